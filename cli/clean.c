/* shotfleet clean: asks the poller for a cleaning, and shows it. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/database.h"
#include "cli/table.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/db.h"

enum {
    PATIENCE_MS = 2000,
    LOOK_MS = 200,
    TAKEN_MS = 15 * 1000, /* a poller looks every second, unless it is busy */
    IDS_MAX_BYTES = 4096,
};

struct arguments {
    bool dry_run;
    const char *task; /* NULL: all */
};

static const char *const heads[] = { "<task", "found", "removed", "size",
                                     "<state" };

static const char report_sql[] =
    "select task, found, removed,"
    " case when bytes > 0 then pg_size_pretty(bytes) end,"
    " case when error is not null then error"
    "      when finished_at is null then 'not finished'"
    "      when dry_run then 'counted only' else 'done' end "
    "from cleanings where id = any ($1::bigint[]) order by id";

static const char progress_sql[] =
    "select count(*) filter (where finished_at is null),"
    " count(*) filter (where started_at is not null),"
    " count(*) filter (where error is not null),"
    " max(task) filter (where finished_at is null and started_at is not null),"
    " max(found) filter (where finished_at is null and started_at is not null) "
    "from cleanings where id = any ($1::bigint[])";

enum progress_column { OPEN, STARTED, FAILED, AT_WORK, FOUND };

static int parse(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        { "dry-run", no_argument, NULL, 'n' }, { 0 }
    };
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c != 'n')
            return cli_misuse("clean", "there is no option %s",
                              argv[optind - 1]);
        a->dry_run = true;
    }
    if (optind < argc)
        a->task = argv[optind++];
    if (optind < argc)
        return cli_misuse("clean", "unexpected \"%.60s\"", argv[optind]);
    return CLI_FINE;
}

/* As a PostgreSQL array. */
static int ask(struct database *d, const struct arguments *a, struct buf *ids)
{
    const char *values[] = { a->dry_run ? "true" : "false", a->task };
    struct rows *rows =
        database_query(d, "select cleaning_ask($1::boolean, $2)", values,
                       ARRAY_LEN(values), "ask for a cleaning");
    int code = CLI_FINE;

    if (!rows)
        return CLI_REFUSED;
    if (rows_count(rows) == 0)
        code = cli_misuse("clean", "there is no task \"%.60s\"", a->task);
    db_array_begin(ids);
    for (size_t row = 0; row < rows_count(rows); row++)
        db_array_add(ids, rows_value(rows, row, 0));
    db_array_end(ids);
    rows_free(rows);
    return code;
}

static void show_progress(const struct rows *rows)
{
    const char *task = rows_value(rows, 0, AT_WORK);

    if (isatty(STDERR_FILENO) == 1 && task)
        fprintf(stderr, "\r\033[K%s: %s", task, rows_value(rows, 0, FOUND));
}

/* Until all is finished, or nobody begins. */
static int wait_for_end(struct database *d, const char *ids)
{
    const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
    int64_t latest_ms = clock_monotonic_ms() + TAKEN_MS;
    int code = -1;

    while (code < 0) {
        struct rows *rows =
            database_query(d, progress_sql, &ids, 1, "follow the cleaning");

        if (!rows)
            return CLI_REFUSED;
        show_progress(rows);
        if (strcmp(rows_value(rows, 0, OPEN), "0") == 0) {
            code = strcmp(rows_value(rows, 0, FAILED), "0") == 0
                       ? CLI_FINE
                       : CLI_SOME_FAILED;
        } else if (strcmp(rows_value(rows, 0, STARTED), "0") == 0 &&
                   clock_monotonic_ms() > latest_ms) {
            cli_complain("no poller takes it up; is shotfleet-poller running? "
                         "It stays asked for");
            code = CLI_UNREACHABLE;
        }
        rows_free(rows);
        if (code < 0)
            nanosleep(&pause, NULL);
    }
    if (isatty(STDERR_FILENO) == 1)
        fputs("\r\033[K", stderr);
    return code;
}

static int clean(struct database *d, const struct arguments *a)
{
    struct rows *rows = NULL;
    struct buf ids;
    int code;

    buf_init(&ids, IDS_MAX_BYTES);
    code = ask(d, a, &ids);
    if (code == CLI_FINE) {
        const char *values[] = { ids.data };

        code = wait_for_end(d, ids.data);
        rows = database_query(d, report_sql, values, 1, "read the report");
        if (rows && code != CLI_UNREACHABLE)
            table_print(stdout, rows, heads, ARRAY_LEN(heads));
    }
    rows_free(rows);
    buf_release(&ids);
    return code;
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct arguments a = { 0 };
    struct database *d = NULL;
    int code = parse(argc, argv, &a);

    if (code == CLI_FINE)
        d = database_open(settings->database_url, PATIENCE_MS, &code);
    if (d)
        code = clean(d, &a);
    database_close(d);
    return code;
}

const struct command command_clean = {
    "clean",
    "[TASK] [--dry-run]",
    "remove what is old or left over, or count it",
    "Asks the poller to do now what it does by itself from time to time, with\n"
    "its settings (SHOTFLEET_RETAIN_..., SHOTFLEET_REMOVE_ORPHANS), and shows\n"
    "for each task what was found and removed.  Without those settings "
    "nothing\n"
    "is forgotten.  The tasks:\n\n"
    "  partitions    days of deliveries made ahead\n"
    "  deliveries    days of deliveries, dropped whole\n"
    "  jobs          captures that have ended, with their pictures\n"
    "  pictures      by age and by the size of all of them, oldest first\n"
    "  dead_letters  that were resolved\n"
    "  callbacks     that were delivered or given up\n"
    "  consumers     names of dead workers in Redis, and entries pending "
    "there\n"
    "                that are on no stream any more\n"
    "  temporary     files that workers left unfinished an hour ago and more\n"
    "  orphans       pictures older than a day that belong to no capture\n"
    "  missing       captures whose picture is gone; only told\n\n"
    "  --dry-run     only count\n\n"
    "The table `cleanings` keeps what was done for a month.\n\n"
    "Exit codes: 0 done, 1 a task failed, 2 wrong usage, 3 PostgreSQL could\n"
    "not be reached, or no poller runs.\n",
    run,
};
