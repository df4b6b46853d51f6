#include "cli/schema.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/digest.h"
#include "common/mem.h"

enum {
    AGAIN_MS = 250,
    SAY_AFTER_MS = 2000, /* and each time this long has passed again */
    LOCK_TIMEOUT_S = 60, /* for whoever migrates at the same time */
};

#define LOCK_KEY "hashtextextended('shotfleet migrate', 0)"

struct schema {
    PGconn *connection;
};

/* --- connecting */

static PGconn *try_connect(const char *database_url)
{
    const char *const names[] = { "dbname", "fallback_application_name",
                                  "connect_timeout", "client_encoding", NULL };
    const char *const values[] = { database_url, "shotfleet-migrate", "5",
                                   "UTF8", NULL };
    PGconn *connection = PQconnectdbParams(names, values, 1);

    if (!connection)
        abort(); /* out of memory */
    return connection;
}

/* A server that is up and refuses us will refuse us again. */
static bool may_come_up(const char *database_url)
{
    PGPing ping = PQping(database_url);

    return ping == PQPING_REJECT || ping == PQPING_NO_RESPONSE;
}

static void pause_ms(int64_t ms)
{
    struct timespec ts = { .tv_nsec = (long)(ms * 1000000) };

    nanosleep(&ts, NULL);
}

/* libpq's messages end with a newline and may have several lines. */
static void complain_of(const PGconn *connection, const char *what)
{
    const char *reason = PQerrorMessage(connection);
    size_t len = strlen(reason);

    while (len > 0 && reason[len - 1] == '\n')
        len--;
    cli_complain("could not %s: %.*s", what, (int)len, reason);
}

struct schema *schema_open(const char *database_url, int64_t patience_ms,
                           int *code)
{
    int64_t start_ms = clock_monotonic_ms();
    int64_t said_ms = start_ms;
    PGconn *connection = try_connect(database_url);
    struct schema *s = NULL;

    while (PQstatus(connection) != CONNECTION_OK && may_come_up(database_url)) {
        int64_t now_ms = clock_monotonic_ms();

        if (now_ms - start_ms >= patience_ms) {
            complain_of(connection, "reach PostgreSQL");
            cli_complain("is it running, and is DATABASE_URL right?");
            PQfinish(connection);
            *code = CLI_UNREACHABLE;
            return NULL;
        }
        if (now_ms - said_ms >= SAY_AFTER_MS) {
            cli_complain("waiting for PostgreSQL to come up (%" PRId64
                         " of %" PRId64 " s)",
                         (now_ms - start_ms) / 1000, patience_ms / 1000);
            said_ms = now_ms;
        }
        pause_ms(AGAIN_MS);
        PQfinish(connection);
        connection = try_connect(database_url);
    }
    if (PQstatus(connection) != CONNECTION_OK) {
        complain_of(connection, "connect to PostgreSQL");
        cli_complain("check DATABASE_URL; a missing database is made with "
                     "`createdb`");
        PQfinish(connection);
        *code = CLI_REFUSED;
        return NULL;
    }
    s = mem_zalloc(sizeof *s);
    s->connection = connection;
    return s;
}

void schema_close(struct schema *s)
{
    if (!s)
        return;
    PQfinish(s->connection); /* and with it the lock */
    free(s);
}

/* --- applying */

/* Any number of statements; -1 with a complaint about `what`. */
static int execute(struct schema *s, const char *sql, const char *what)
{
    PGresult *r = PQexec(s->connection, sql);
    ExecStatusType status = PQresultStatus(r);
    int rc = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : -1;

    PQclear(r);
    if (rc != 0)
        complain_of(s->connection, what);
    return rc;
}

static int query(struct schema *s, const char *sql, int count,
                 const char *const *values, const char *what)
{
    PGresult *r =
        PQexecParams(s->connection, sql, count, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(r);
    int rc = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : -1;

    PQclear(r);
    if (rc != 0)
        complain_of(s->connection, what);
    return rc;
}

/* One at a time; the lock is the connection's. */
static int lock(struct schema *s)
{
    static const char what[] = "get the lock that migrations take turns by";
    char *settings = mem_format("set lock_timeout = '%ds';"
                                "set client_min_messages = warning",
                                LOCK_TIMEOUT_S);
    PGresult *got = NULL;
    int rc = execute(s, settings, what);

    if (rc == 0) {
        got =
            PQexec(s->connection, "select pg_try_advisory_lock(" LOCK_KEY ")");
        if (PQresultStatus(got) != PGRES_TUPLES_OK ||
            strcmp(PQgetvalue(got, 0, 0), "t") != 0) {
            cli_complain("another migrate is at work; waiting for it, at most "
                         "%d s",
                         LOCK_TIMEOUT_S);
            rc = execute(s, "select pg_advisory_lock(" LOCK_KEY ")", what);
        }
    }
    PQclear(got);
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
static int compare(const PGresult *rows, int row, const struct embedded *all,
                   long *done)
{
    const char *name = PQgetvalue(rows, row, 1);
    const struct embedded *ours = NULL;
    char sum[SHA256_HEX_SIZE];

    *done = strtol(PQgetvalue(rows, row, 0), NULL, 10);
    ours = find(all, *done);
    if (!ours) {
        cli_complain("the database is newer than this program: it has "
                     "migration %s; install the version that brought it",
                     name);
        return -1;
    }
    sha256_hex(ours->data, ours->len, sum);
    if (strcmp(sum, PQgetvalue(rows, row, 2)) != 0) {
        cli_complain("migration %s was applied with another text than this "
                     "program has; migrations never change, so one of the two "
                     "is not a release",
                     name);
        return -1;
    }
    return 0;
}

/* *newest: the highest number that is applied, 0 for none. */
static int find_newest(struct schema *s, const struct embedded *all,
                       long *newest)
{
    PGresult *rows = PQexec(
        s->connection,
        "select number, name, sha256 from schema_migrations order by number");
    int rc = 0;

    *newest = 0;
    if (PQresultStatus(rows) != PGRES_TUPLES_OK) {
        complain_of(s->connection, "read schema_migrations");
        rc = -1;
    }
    for (int i = 0; rc == 0 && i < PQntuples(rows); i++)
        rc = compare(rows, i, all, newest);
    PQclear(rows);
    return rc;
}

static int apply_one(struct schema *s, const struct embedded *migration)
{
    char number[24];
    char sum[SHA256_HEX_SIZE];
    const char *values[] = { number, migration->name, sum };
    char *what = mem_format("apply migration %s", migration->name);
    int rc = -1;

    snprintf(number, sizeof number, "%ld", number_of(migration));
    sha256_hex(migration->data, migration->len, sum);
    if (execute(s, "begin", what) == 0 &&
        execute(s, migration->data, what) == 0 &&
        query(s,
              "insert into schema_migrations (number, name, sha256) "
              "values ($1, $2, $3)",
              ARRAY_LEN(values), values, what) == 0 &&
        execute(s, "commit", what) == 0) {
        printf("applied %s\n", migration->name);
        rc = 0;
    }
    free(what);
    return rc;
}

int schema_apply(struct schema *s, const struct embedded *all, size_t *applied)
{
    static const char table[] =
        "create table if not exists schema_migrations ("
        "number integer primary key, name text not null, sha256 text not null, "
        "applied_at timestamptz not null default now())";
    long newest = 0;

    *applied = 0;
    if (lock(s) != 0 || execute(s, table, "make schema_migrations") != 0 ||
        find_newest(s, all, &newest) != 0)
        return -1;
    for (; all->name; all++) {
        if (number_of(all) <= newest)
            continue;
        if (apply_one(s, all) != 0)
            return -1;
        ++*applied;
    }
    return 0;
}

int schema_set_defaults(struct schema *s, const char *provider,
                        int64_t max_attempts, int64_t deadline_s)
{
    char attempts[24], seconds[24];
    const char *values[] = { provider, attempts, seconds };

    snprintf(attempts, sizeof attempts, "%" PRId64, max_attempts);
    snprintf(seconds, sizeof seconds, "%" PRId64, deadline_s);
    return query(s,
                 "update fleet_defaults set provider = $1, "
                 "max_attempts = $2::integer, "
                 "deadline = $3::bigint * interval '1 second'",
                 ARRAY_LEN(values), values, "set fleet_defaults");
}
