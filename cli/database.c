#include "cli/database.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "common/clock.h"
#include "common/mem.h"

enum {
    AGAIN_MS = 250,
    SAY_AFTER_MS = 2000, /* and each time this long has passed again */
};

struct database {
    PGconn *connection;
};

struct rows {
    PGresult *result;
};

static PGconn *try_connect(const char *database_url)
{
    const char *const names[] = { "dbname", "fallback_application_name",
                                  "connect_timeout", "client_encoding", NULL };
    const char *const values[] = { database_url, "shotfleet", "5", "UTF8",
                                   NULL };
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

struct database *database_open(const char *database_url, int64_t patience_ms,
                               int *code)
{
    int64_t start_ms = clock_monotonic_ms();
    int64_t said_ms = start_ms;
    PGconn *connection = try_connect(database_url);
    struct database *d = NULL;

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
    d = mem_zalloc(sizeof *d);
    d->connection = connection;
    return d;
}

void database_close(struct database *d)
{
    if (!d)
        return;
    PQfinish(d->connection); /* and with it its locks */
    free(d);
}

int database_execute(struct database *d, const char *sql, const char *what)
{
    PGresult *r = PQexec(d->connection, sql);
    ExecStatusType status = PQresultStatus(r);
    int rc = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : -1;

    PQclear(r);
    if (rc != 0)
        complain_of(d->connection, what);
    return rc;
}

struct rows *database_query(struct database *d, const char *sql,
                            const char *const *values, size_t count,
                            const char *what)
{
    PGresult *r = PQexecParams(d->connection, sql, (int)count, NULL, values,
                               NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(r);
    struct rows *rows = NULL;

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        complain_of(d->connection, what);
        PQclear(r);
        return NULL;
    }
    rows = mem_alloc(sizeof *rows);
    rows->result = r;
    return rows;
}

size_t rows_count(const struct rows *r)
{
    return (size_t)PQntuples(r->result);
}

const char *rows_value(const struct rows *r, size_t row, size_t column)
{
    if (PQgetisnull(r->result, (int)row, (int)column))
        return NULL;
    return PQgetvalue(r->result, (int)row, (int)column);
}

void rows_free(struct rows *r)
{
    if (!r)
        return;
    PQclear(r->result);
    free(r);
}
