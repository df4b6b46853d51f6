/* shotfleet providers */
#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/database.h"
#include "cli/output.h"
#include "cli/table.h"

enum { PATIENCE_MS = 2000, DAYS_MAX = 3660 };

static const char *const heads[] = {
    "<day",       "<provider", "captures",    "success",  "webhooks",
    "never came", "late",      "duplicates",  "disorder", "bad signatures",
    "delay p50",  "p99",       "picture p50", "p99",      "<errors",
};

static const char table_sql[] =
    "select day, provider, captures, success_percent || ' %', webhooks,"
    " never_came, late, duplicates, out_of_order, bad_signatures,"
    " delay_p50_ms || ' ms', delay_p99_ms || ' ms',"
    " picture_p50_ms || ' ms', picture_p99_ms || ' ms',"
    " (select string_agg(e.key || ' ' || e.value, ', '"
    "                    order by e.value::bigint desc, e.key)"
    "  from jsonb_each_text(errors) e) "
    "from provider_scorecard "
    "where day > (now() at time zone 'UTC')::date - $1::integer "
    "order by day, provider";

static const char json_sql[] =
    "select row_to_json(s)::text from provider_scorecard s "
    "where day > (now() at time zone 'UTC')::date - $1::integer "
    "order by day, provider";

/* Those that are left alone just now. */
static const char failing_sql[] =
    "select provider, failures, error,"
    " greatest(0, extract(epoch from paused_until - now()))::integer "
    "from provider_health where failures > 0 order by provider";

static int parse(int argc, char **argv, long *days, bool *json)
{
    static const struct option options[] = {
        { "days", required_argument, NULL, 'd' },
        { "json", no_argument, NULL, 'j' },
        { 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == 'd') {
            if (cli_number("providers", "--days", optarg, 1, DAYS_MAX, days) !=
                0)
                return CLI_REFUSED;
        } else if (c == 'j') {
            *json = true;
        } else {
            return cli_misuse("providers",
                              c == ':' ? "%s needs a value"
                                       : "there is no option %s",
                              argv[optind - 1]);
        }
    }
    if (optind < argc)
        return cli_misuse("providers", "unexpected \"%.60s\"", argv[optind]);
    return CLI_FINE;
}

static int show(struct database *d, long days, bool json)
{
    char number[24];
    const char *values[] = { number };
    struct rows *rows;

    snprintf(number, sizeof number, "%ld", days);
    rows = database_query(d, json ? json_sql : table_sql, values, 1,
                          "read the scorecard");
    if (!rows)
        return CLI_REFUSED;
    if (json) {
        for (size_t row = 0; row < rows_count(rows); row++)
            puts(rows_value(rows, row, 0));
    } else {
        table_print(stdout, rows, heads, ARRAY_LEN(heads));
    }
    if (rows_count(rows) == 0)
        cli_complain("nothing was captured in these days, or no poller runs");
    rows_free(rows);
    return CLI_FINE;
}

static int warn(struct database *d)
{
    struct rows *rows =
        database_query(d, failing_sql, NULL, 0, "read the providers' health");

    if (!rows)
        return CLI_REFUSED;
    for (size_t row = 0; row < rows_count(rows); row++) {
        fputs("shotfleet: ", stderr);
        output_safely(stderr, rows_value(rows, row, 0));
        fprintf(stderr, " fails to say what became of captures: ");
        output_safely(stderr, rows_value(rows, row, 2));
        fprintf(stderr, " (%s in a row, asked again in %s s)\n",
                rows_value(rows, row, 1),
                rows_value(rows, row, 3) ? rows_value(rows, row, 3) : "0");
    }
    rows_free(rows);
    return CLI_FINE;
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct database *d = NULL;
    bool json = false;
    long days = 7;
    int code = parse(argc, argv, &days, &json);

    if (code == CLI_FINE)
        d = database_open(settings->database_url, PATIENCE_MS, &code);
    if (d)
        code = show(d, days, json);
    if (d && code == CLI_FINE)
        code = warn(d);
    database_close(d);
    return code;
}

const struct command command_providers = {
    "providers",
    "[--days N] [--json]",
    "how well providers serve, by day",
    "A line for each day (in UTC) and provider, from the view\n"
    "provider_scorecard, which the poller keeps up to date within a minute:\n\n"
    "  captures, success      that were asked for; completed, of those ended\n"
    "  webhooks               that came, and were authentic\n"
    "  never came             attempts whose end only the poller found out\n"
    "  late                   webhooks that came when it had\n"
    "  duplicates, disorder   ends told again; progress after the end\n"
    "  bad signatures         webhooks that were refused for it\n"
    "  delay                  from submission to webhook\n"
    "  picture                from asking to the picture\n"
    "  errors                 of failed captures\n\n"
    "  --days N               today and the days before it (7)\n"
    "  --json                 one JSON document a line, with all there is\n\n"
    "Exit codes: 0 done, 2 wrong usage, 3 PostgreSQL could not be reached.\n",
    run,
};
