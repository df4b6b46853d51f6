#include "cli/schema.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/mem.h"

enum { LOCK_TIMEOUT_S = 60 }; /* for whoever migrates at the same time */

#define LOCK_KEY "hashtextextended('shotfleet migrate', 0)"

static int change(struct database *d, const char *sql,
                  const char *const *values, size_t count, const char *what)
{
    struct rows *rows = database_query(d, sql, values, count, what);
    int rc = rows ? 0 : -1;

    rows_free(rows);
    return rc;
}

/* One at a time; the lock is the connection's. */
static int lock(struct database *d)
{
    static const char what[] = "get the lock that migrations take turns by";
    char *settings = mem_format("set lock_timeout = '%ds';"
                                "set client_min_messages = warning",
                                LOCK_TIMEOUT_S);
    struct rows *got = NULL;
    int rc = database_execute(d, settings, what);

    if (rc == 0)
        got = database_query(d, "select pg_try_advisory_lock(" LOCK_KEY ")",
                             NULL, 0, what);
    if (!got) {
        rc = -1;
    } else if (strcmp(rows_value(got, 0, 0), "t") != 0) {
        cli_complain("another migrate is at work; waiting for it, at most %d s",
                     LOCK_TIMEOUT_S);
        rc = database_execute(d, "select pg_advisory_lock(" LOCK_KEY ")", what);
    }
    rows_free(got);
    free(settings);
    return rc;
}

/* "0007_name.sql" is number 7. */
static long number_of(const struct embedded *migration)
{
    return strtol(migration->name, NULL, 10);
}

static const struct embedded *find(const struct embedded *all, long number)
{
    for (; all->name; all++) {
        if (number_of(all) == number)
            return all;
    }
    return NULL;
}

/* Compares a row of schema_migrations with what we have; *done gets its number
 * when it is the same. */
static int compare(const struct rows *rows, size_t row,
                   const struct embedded *all, long *done)
{
    const char *name = rows_value(rows, row, 1);
    const struct embedded *ours = NULL;
    char sum[SHA256_HEX_SIZE];

    *done = strtol(rows_value(rows, row, 0), NULL, 10);
    ours = find(all, *done);
    if (!ours) {
        cli_complain("the database is newer than this program: it has "
                     "migration %s; install the version that brought it",
                     name);
        return -1;
    }
    sha256_hex(ours->data, ours->len, sum);
    if (strcmp(sum, rows_value(rows, row, 2)) != 0) {
        cli_complain("migration %s was applied with another text than this "
                     "program has; migrations never change, so one of the two "
                     "is not a release",
                     name);
        return -1;
    }
    return 0;
}

/* *newest: the highest number that is applied, 0 for none. */
static int find_newest(struct database *d, const struct embedded *all,
                       long *newest)
{
    struct rows *rows = database_query(
        d, "select number, name, sha256 from schema_migrations order by number",
        NULL, 0, "read schema_migrations");
    int rc = rows ? 0 : -1;

    *newest = 0;
    for (size_t i = 0; rc == 0 && i < rows_count(rows); i++)
        rc = compare(rows, i, all, newest);
    rows_free(rows);
    return rc;
}

static int apply_one(struct database *d, const struct embedded *migration)
{
    char number[24];
    char sum[SHA256_HEX_SIZE];
    const char *values[] = { number, migration->name, sum };
    char *what = mem_format("apply migration %s", migration->name);
    int rc = -1;

    snprintf(number, sizeof number, "%ld", number_of(migration));
    sha256_hex(migration->data, migration->len, sum);
    if (database_execute(d, "begin", what) == 0 &&
        database_execute(d, migration->data, what) == 0 &&
        change(d,
               "insert into schema_migrations (number, name, sha256) "
               "values ($1, $2, $3)",
               values, ARRAY_LEN(values), what) == 0 &&
        database_execute(d, "commit", what) == 0) {
        printf("applied %s\n", migration->name);
        rc = 0;
    }
    free(what);
    return rc;
}

int schema_apply(struct database *d, const struct embedded *all,
                 size_t *applied)
{
    static const char table[] =
        "create table if not exists schema_migrations ("
        "number integer primary key, name text not null, sha256 text not null, "
        "applied_at timestamptz not null default now())";
    long newest = 0;

    *applied = 0;
    if (lock(d) != 0 ||
        database_execute(d, table, "make schema_migrations") != 0 ||
        find_newest(d, all, &newest) != 0)
        return -1;
    for (; all->name; all++) {
        if (number_of(all) <= newest)
            continue;
        if (apply_one(d, all) != 0)
            return -1;
        ++*applied;
    }
    return 0;
}

int schema_set_defaults(struct database *d, const char *provider,
                        int64_t max_attempts, int64_t deadline_s)
{
    char attempts[24], seconds[24];
    const char *values[] = { provider, attempts, seconds };

    snprintf(attempts, sizeof attempts, "%" PRId64, max_attempts);
    snprintf(seconds, sizeof seconds, "%" PRId64, deadline_s);
    return change(d,
                  "update fleet_defaults set provider = $1, "
                  "max_attempts = $2::integer, "
                  "deadline = $3::bigint * interval '1 second'",
                  values, ARRAY_LEN(values), "set fleet_defaults");
}
