/* shotfleet ledger */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/database.h"

enum { PATIENCE_MS = 10 * 1000 };

enum column {
    STREAM,
    REDIS,
    ACCEPTED,
    RECORDED,
    DUPLICATE,
    IGNORED,
    DEAD,
    IN_FLIGHT,
    UNACCOUNTED,
    AFTER_ID,
    UNTIL_ID,
    CHECKED,
    IS_STALE,
};

static const char query[] =
    "select stream, redis, accepted, recorded, duplicate, ignored, dead,"
    "       in_flight, unaccounted, after_id, until_id,"
    "       to_char(checked_at, 'YYYY-MM-DD HH24:MI:SS'),"
    "       checked_at < now() - interval '1 minute' "
    "from ledger";

static void show(const struct rows *rows)
{
    printf("%-18s %-22s %9s %9s %9s %8s %7s %9s %11s\n", "stream", "redis",
           "accepted", "recorded", "duplicate", "ignored", "dead", "in flight",
           "unaccounted");
    for (size_t i = 0; i < rows_count(rows); i++) {
        printf("%-18s %-22s %9s %9s %9s %8s %7s %9s %11s\n",
               rows_value(rows, i, STREAM), rows_value(rows, i, REDIS),
               rows_value(rows, i, ACCEPTED), rows_value(rows, i, RECORDED),
               rows_value(rows, i, DUPLICATE), rows_value(rows, i, IGNORED),
               rows_value(rows, i, DEAD), rows_value(rows, i, IN_FLIGHT),
               rows_value(rows, i, UNACCOUNTED));
    }
}

/* Says what is wrong with a row. */
static int judge(const struct rows *rows, size_t i)
{
    const char *stream = rows_value(rows, i, STREAM);
    const char *redis = rows_value(rows, i, REDIS);
    const char *unaccounted = rows_value(rows, i, UNACCOUNTED);
    int code = CLI_FINE;

    if (*unaccounted == '-') {
        cli_complain("%s on %s: %s more entries are recorded than were "
                     "accepted, after entry %s and until %s",
                     stream, redis, unaccounted + 1,
                     rows_value(rows, i, AFTER_ID),
                     rows_value(rows, i, UNTIL_ID));
        code = CLI_SOME_FAILED;
    } else if (strcmp(unaccounted, "0") != 0) {
        cli_complain("%s on %s: %s entries left the stream without being "
                     "recorded, after entry %s and until %s",
                     stream, redis, unaccounted, rows_value(rows, i, AFTER_ID),
                     rows_value(rows, i, UNTIL_ID));
        code = CLI_SOME_FAILED;
    }
    if (*rows_value(rows, i, IS_STALE) == 't') {
        cli_complain("%s on %s was last checked at %s: does a poller run, and "
                     "does it reach that redis?",
                     stream, redis, rows_value(rows, i, CHECKED));
        code = CLI_SOME_FAILED;
    }
    return code;
}

static int print(const struct rows *rows)
{
    int code = CLI_FINE;

    if (rows_count(rows) == 0) {
        cli_complain("nothing was checked yet: the poller does it, once "
                     "workers have opened their streams");
        return CLI_SOME_FAILED;
    }
    show(rows);
    for (size_t i = 0; i < rows_count(rows); i++) {
        if (judge(rows, i) != CLI_FINE)
            code = CLI_SOME_FAILED;
    }
    return code;
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct database *d = NULL;
    struct rows *rows = NULL;
    int code = CLI_FINE;

    if (argc > 1)
        return cli_misuse("ledger", "unexpected \"%.60s\"", argv[1]);
    d = database_open(settings->database_url, PATIENCE_MS, &code);
    if (!d)
        return code;
    rows = database_query(d, query, NULL, 0, "read the ledger");
    code = rows ? print(rows) : CLI_REFUSED;
    rows_free(rows);
    database_close(d);
    return code;
}

const struct command command_ledger = {
    "ledger",
    "",
    "is everything that was accepted accounted for?",
    "Of each stream on each Redis, since its consumer group was created:\n\n"
    "  accepted = recorded + duplicate + ignored + dead + in flight\n"
    "             + unaccounted\n\n"
    "The poller compares what Redis counted with what is recorded every two\n"
    "seconds; this prints its last finding, which the view \"ledger\" holds "
    "too.\n"
    "Unaccounted entries left a stream without being recorded: they are named\n"
    "by the ids between which they were lost.\n\n"
    "Exit codes: 0 all are, 1 some are not or nobody has looked for a minute,\n"
    "2 wrong usage or PostgreSQL refused, 3 PostgreSQL could not be reached.\n",
    run,
};
