/* shotfleet dead: what could not be applied, and what to do about it */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/database.h"
#include "cli/dead_arguments.h"
#include "cli/output.h"
#include "common/db.h"
#include "common/mem.h"

enum { PATIENCE_MS = 2000, SHOWN_MAX = 1000 };

enum column {
    ID,
    JOB,
    PROVIDER,
    ATTEMPTS,
    RECEIVED,
    NEXT,
    ERROR,
    HISTORY,
    PAYLOAD
};

/* Which ones; the newest SHOWN_MAX are enough to look at, all are changed. */
static struct rows *find(struct database *d, const struct dead_arguments *a)
{
    const char *values[] = { a->ids.len > 0 ? a->ids.data : NULL, a->provider,
                             a->job, a->error };

    return database_query(
        d,
        "select id, job_id, provider, attempts,"
        " to_char(received_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'),"
        " case when next_attempt_at is null then 'waits for you'"
        "      when dropped then 'given up' else 'next try in '"
        "      || greatest(0, extract(epoch from next_attempt_at - now()))"
        "         ::integer || ' s' end,"
        " error,"
        " (select string_agg(concat(h ->> 'at', '  ', h ->> 'error',"
        "   '  (' || (h ->> 'times') || ' times, until ' || (h ->> 'last')"
        "   || ')'), chr(30) order by n)"
        "  from jsonb_array_elements(history) with ordinality t (h, n)),"
        " encode(payload, 'escape') "
        "from dead_letters_open($1::uuid[], $2, $3::uuid, $4)",
        values, ARRAY_LEN(values), "read the dead letters");
}

static void print_field(const struct rows *r, size_t row, size_t column,
                        char end)
{
    const char *value = rows_value(r, row, column);

    output_safely(stdout, value ? value : "-");
    putchar(end);
}

static void list(const struct rows *r)
{
    size_t count = rows_count(r);
    size_t first = count > SHOWN_MAX ? count - SHOWN_MAX : 0;

    for (size_t row = first; row < count; row++) {
        for (size_t column = ID; column < ERROR; column++)
            print_field(r, row, column, '\t');
        print_field(r, row, ERROR, '\n');
    }
    if (first > 0)
        cli_complain("%zu older ones are not shown", first);
    if (count == 0)
        cli_complain("no dead letters");
}

/* One try a line. */
static void show_history(const char *history)
{
    while (history && *history) {
        size_t len = strcspn(history, "\x1e");
        char *line = mem_dup(history, len);

        printf("%-15s ", "tried");
        output_safely(stdout, line);
        putchar('\n');
        free(line);
        history += len + (history[len] != '\0');
    }
}

static void show(const struct rows *r)
{
    static const char *const names[] = {
        [ID] = "id",
        [JOB] = "job",
        [PROVIDER] = "provider",
        [ATTEMPTS] = "tries",
        [RECEIVED] = "received (UTC)",
        [NEXT] = "state",
        [ERROR] = "error",
        [PAYLOAD] = "payload",
    };

    for (size_t row = 0; row < rows_count(r); row++) {
        for (size_t column = ID; column <= PAYLOAD; column++) {
            if (column == HISTORY) {
                show_history(rows_value(r, row, column));
                continue;
            }
            printf("%-15s ", names[column]);
            print_field(r, row, column, '\n');
        }
    }
}

/* Calls retry_dead_letters() or drop_dead_letters() with the ids. */
static int change(struct database *d, const struct dead_arguments *a,
                  const struct rows *found)
{
    bool drops = a->action == DEAD_DROP;
    struct rows *changed = NULL;
    struct buf ids;
    const char *values[1];

    buf_init(&ids, rows_count(found) * 40 + 16);
    db_array_begin(&ids);
    for (size_t row = 0; row < rows_count(found); row++)
        db_array_add(&ids, rows_value(found, row, ID));
    db_array_end(&ids);
    values[0] = ids.data;
    changed = database_query(d,
                             drops ? "select drop_dead_letters($1::uuid[])"
                                   : "select retry_dead_letters($1::uuid[])",
                             values, 1, "change the dead letters");
    if (changed)
        printf("%s %s\n", rows_value(changed, 0, 0),
               drops ? "given up" : "will be tried again");
    buf_release(&ids);
    if (!changed)
        return CLI_REFUSED;
    rows_free(changed);
    return CLI_FINE;
}

static int work(struct database *d, const struct dead_arguments *a)
{
    struct rows *found = find(d, a);
    int code = CLI_FINE;

    if (!found)
        return CLI_REFUSED;
    if (a->action == DEAD_SHOW)
        show(found);
    else if (a->action == DEAD_LIST || a->dry_run)
        list(found);
    else
        code = change(d, a, found);
    if (a->ids.len > 0 && rows_count(found) == 0) {
        cli_complain("no dead letter has this id");
        code = CLI_SOME_FAILED;
    }
    rows_free(found);
    return code;
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct dead_arguments arguments;
    struct database *d = NULL;
    int code = dead_arguments_parse(&arguments, argc, argv);

    if (code == CLI_FINE)
        d = database_open(settings->database_url, PATIENCE_MS, &code);
    if (d)
        code = work(d, &arguments);
    database_close(d);
    dead_arguments_release(&arguments);
    return code;
}

const struct command command_dead = {
    "dead",
    "list | show | retry | drop [ID]... [--provider P] [--job ID]\n"
    "       [--error TEXT] [--all] [--dry-run]",
    "dead letters: look at them, try them again, give them up",
    "A dead letter is a webhook that could not be applied: its picture could "
    "not\n"
    "be fetched or is none, its job is unknown, its body makes no sense.  It "
    "is\n"
    "tried again three times, later each time; then it waits for you.  While "
    "the\n"
    "picture's host is away its tries are not counted, for a day.\n\n"
    "  list   id, job, provider, tries, received, state, error\n"
    "  show   all of it: each try and its error, the raw body\n"
    "  retry  to be tried again at once\n"
    "  drop   give it up; a job that waited for it fails with DROPPED\n\n"
    "  --provider P   of this provider\n"
    "  --job ID       of this capture\n"
    "  --error TEXT   whose error contains the text\n"
    "  --all          all of them\n"
    "  --dry-run      only list what retry or drop would change\n\n"
    "Exit codes: 0 done, 1 no dead letter has this id, 2 wrong usage, 3\n"
    "PostgreSQL could not be reached.\n",
    run,
};
