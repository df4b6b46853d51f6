/* shotfleet callback: calls to applications, and sending them again */
#include <getopt.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/database.h"
#include "cli/output.h"
#include "common/buf.h"
#include "common/db.h"
#include "common/token.h"

enum { PATIENCE_MS = 2000, SHOWN_MAX = 1000, IDS_MAX_BYTES = 1024 * 1024 };

struct arguments {
    bool retry;       /* else list */
    struct buf ids;   /* as a PostgreSQL array; empty: not given */
    const char *host; /* NULL: any */
    bool all;
    bool dry_run;
};

/* --- the command line */

static int take_options(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        { "host", required_argument, NULL, 'h' },
        { "all", no_argument, NULL, 'a' },
        { "dry-run", no_argument, NULL, 'n' },
        { 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == 'h')
            a->host = optarg;
        else if (c == 'a')
            a->all = true;
        else if (c == 'n')
            a->dry_run = true;
        else
            return cli_misuse("callback",
                              c == ':' ? "%s needs a value"
                                       : "there is no option %s",
                              argv[optind - 1]);
    }
    return CLI_FINE;
}

static int take_ids(struct arguments *a, int argc, char **argv)
{
    if (optind == argc)
        return CLI_FINE;
    db_array_begin(&a->ids);
    for (int i = optind; i < argc && i < optind + 10000; i++) {
        if (!uuid_is_valid(argv[i]))
            return cli_misuse("callback", "\"%.60s\" is no id", argv[i]);
        db_array_add(&a->ids, argv[i]);
    }
    db_array_end(&a->ids);
    return CLI_FINE;
}

static int parse(struct arguments *a, int argc, char **argv)
{
    const char *action = argc > 1 ? argv[1] : "";
    bool chosen;
    int code;

    a->retry = strcmp(action, "retry") == 0;
    if (!a->retry && strcmp(action, "list") != 0)
        return cli_misuse("callback", "say list or retry");
    code = take_options(a, argc - 1, argv + 1);
    if (code == CLI_FINE)
        code = take_ids(a, argc - 1, argv + 1);
    if (code != CLI_FINE)
        return code;
    chosen = a->ids.len > 0 || a->host;
    if (a->retry && !chosen && !a->all)
        return cli_misuse("callback", "say which: ids, --host, or --all");
    if (a->all && chosen)
        return cli_misuse("callback", "--all and a choice exclude each other");
    return CLI_FINE;
}

/* --- the work */

enum column { ID, JOB, EVENT, HOST, ATTEMPTS, CREATED, STATE, ERROR };

static struct rows *find(struct database *d, const struct arguments *a)
{
    const char *values[] = { a->ids.len > 0 ? a->ids.data : NULL, a->host };

    return database_query(
        d,
        "select id, job_id, event, host, attempts,"
        " to_char(created_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'),"
        " case when delivered_at is not null then 'delivered'"
        "      when next_attempt_at is null then 'given up'"
        "      else 'next try in '"
        "      || greatest(0, extract(epoch from next_attempt_at - now()))"
        "         ::integer || ' s' end, error "
        "from callbacks_found($1::uuid[], $2)",
        values, ARRAY_LEN(values), "read the callbacks");
}

static void list(const struct rows *r)
{
    size_t count = rows_count(r);
    size_t first = count > SHOWN_MAX ? count - SHOWN_MAX : 0;

    for (size_t row = first; row < count; row++) {
        for (size_t column = ID; column <= ERROR; column++) {
            const char *value = rows_value(r, row, column);

            output_safely(stdout, value ? value : "-");
            putchar(column == ERROR ? '\n' : '\t');
        }
    }
    if (first > 0)
        cli_complain("%zu older ones are not shown", first);
    if (count == 0)
        cli_complain("no callbacks");
}

static int retry(struct database *d, const struct rows *found)
{
    const char *values[1];
    struct rows *changed;
    struct buf ids;

    buf_init(&ids, rows_count(found) * 40 + 16);
    db_array_begin(&ids);
    for (size_t row = 0; row < rows_count(found); row++)
        db_array_add(&ids, rows_value(found, row, ID));
    db_array_end(&ids);
    values[0] = ids.data;
    changed = database_query(d, "select retry_callbacks($1::uuid[])", values, 1,
                             "change the callbacks");
    if (changed)
        printf("%s will be sent again\n", rows_value(changed, 0, 0));
    buf_release(&ids);
    rows_free(changed);
    return changed ? CLI_FINE : CLI_REFUSED;
}

static int work(struct database *d, const struct arguments *a)
{
    struct rows *found = find(d, a);
    int code = CLI_FINE;

    if (!found)
        return CLI_REFUSED;
    if (a->ids.len > 0 && rows_count(found) == 0) {
        cli_complain("no callback or capture with one has this id");
        code = CLI_SOME_FAILED;
    } else if (a->retry && !a->dry_run) {
        code = retry(d, found);
    } else {
        list(found);
    }
    rows_free(found);
    return code;
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct arguments arguments = { 0 };
    struct database *d = NULL;
    int code;

    buf_init(&arguments.ids, IDS_MAX_BYTES);
    code = parse(&arguments, argc, argv);
    if (code == CLI_FINE)
        d = database_open(settings->database_url, PATIENCE_MS, &code);
    if (d)
        code = work(d, &arguments);
    database_close(d);
    buf_release(&arguments.ids);
    return code;
}

const struct command command_callback = {
    "callback",
    "list | retry [ID]... [--host HOST] [--all] [--dry-run]",
    "callbacks: look at those not delivered, send them again",
    "A callback tells the application that asked for a capture how it ended.\n"
    "It is tried nine times within a day.  After a day of nothing but "
    "failures\n"
    "its host is disabled, and no callback goes there until you retry one.\n\n"
    "  list   id, capture, event, host, tries, made, state, error\n"
    "  retry  to be sent again at once; enables its host\n\n"
    "  ID             of a callback or of its capture, delivered or not; else\n"
    "                 all that are not delivered\n"
    "  --host HOST    to this host, with its port where the URL has one\n"
    "  --all          all of them\n"
    "  --dry-run      only list what retry would send\n\n"
    "Exit codes: 0 done, 1 nothing has this id, 2 wrong usage, 3 PostgreSQL\n"
    "could not be reached.\n",
    run,
};
