/* shotfleet migrate */
#include <inttypes.h>

#include "cli/cli.h"
#include "cli/schema.h"

enum { PATIENCE_MS = 10 * 1000 };

static int migrate(struct database *database,
                   const struct cli_settings *settings)
{
    size_t applied = 0;
    size_t known = 0;

    if (schema_apply(database, migrations, &applied) != 0)
        return CLI_REFUSED;
    while (migrations[known].name)
        known++;
    if (applied == 0)
        printf("nothing to apply: all %zu migrations are there\n", known);
    if (schema_set_defaults(database, settings->provider,
                            settings->max_attempts,
                            settings->job_deadline_s) != 0)
        return CLI_REFUSED;
    printf("defaults: provider %s, %" PRId64 " attempts, %" PRId64
           " s to the deadline\n",
           settings->provider, settings->max_attempts,
           settings->job_deadline_s);
    return CLI_FINE;
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct database *database = NULL;
    int code = CLI_FINE;

    if (argc > 1)
        return cli_misuse("migrate", "unexpected \"%.60s\"", argv[1]);
    database = database_open(settings->database_url, PATIENCE_MS, &code);
    if (database)
        code = migrate(database, settings);
    database_close(database);
    return code;
}

const struct command command_migrate = {
    "migrate",
    "",
    "bring the database to this version's schema",
    "Applies to DATABASE_URL what is missing, in order, and prints it.  May "
    "be\n"
    "run at any time, also twice at once.  Waits up to 10 s for PostgreSQL to\n"
    "come up.  Afterwards copies SHOTFLEET_PROVIDER, SHOTFLEET_MAX_ATTEMPTS "
    "and\n"
    "SHOTFLEET_JOB_DEADLINE_S to the table fleet_defaults.\n\n"
    "Exit codes: 0 the schema is this version's, 2 the database is newer than\n"
    "this program or refused a migration, 3 PostgreSQL could not be reached.\n",
    run,
};
