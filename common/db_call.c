#include "common/db_call.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { PARAMS_MAX = 32 };

struct db_result {
    enum db_status status;
    const PGresult *rows; /* NULL for DB_LOST */
    const char *error;
    const char *sqlstate;
};

static void call_free(struct call *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->values[i]);
    free(c->values);
    PQclear(c->result);
    free(c);
}

struct call *call_new(const struct db_statement *statement,
                      const char *const *values, size_t count, db_fn *fn,
                      void *arg)
{
    struct call *c = mem_zalloc(sizeof *c);

    assert(count <= PARAMS_MAX);
    *c = (struct call){
        .statement = statement, .count = count, .fn = fn, .arg = arg
    };
    c->values = mem_zalloc(count * sizeof *c->values);
    for (size_t i = 0; i < count; i++)
        c->values[i] = mem_strdup_or_null(values[i]);
    return c;
}

static enum db_status classify(const char *sqlstate)
{
    static const char *const transient[] = {
        "08",    /* connection */
        "25006", /* read-only: a failover is under way */
        "40",    /* serialization failure, deadlock */
        "53",    /* disk full, out of memory, too many connections */
        "55P03", /* lock not available */
        "57",    /* shutdown, statement timeout */
        "58",    /* I/O error */
        "42501", /* rights: an operator can mend them, the entry is innocent */
        "42P01", /* no such table: not migrated yet */
        "42883", /* no such function: not migrated yet */
    };

    for (size_t i = 0; i < ARRAY_LEN(transient); i++) {
        if (strncmp(sqlstate, transient[i], strlen(transient[i])) == 0)
            return DB_TRANSIENT;
    }
    return DB_REFUSED;
}

void call_answer(struct call *c)
{
    struct db_result r = { .rows = c->result, .error = "", .sqlstate = "" };
    ExecStatusType status = PQresultStatus(c->result);
    const char *sqlstate;

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        sqlstate = PQresultErrorField(c->result, PG_DIAG_SQLSTATE);
        r.sqlstate = sqlstate ? sqlstate : "";
        r.error = PQresultErrorField(c->result, PG_DIAG_MESSAGE_PRIMARY);
        if (!r.error)
            r.error = "statement was not executed";
        r.status = sqlstate ? classify(sqlstate) : DB_TRANSIENT;
    }
    if (c->fn)
        c->fn(&r, c->arg);
    call_free(c);
}

void call_answer_lost(struct call *c)
{
    struct db_result r = { .status = DB_LOST,
                           .error = "lost the connection to postgresql",
                           .sqlstate = "" };

    if (c->fn)
        c->fn(&r, c->arg);
    call_free(c);
}

enum db_status db_result_status(const struct db_result *r)
{
    return r->status;
}

const char *db_result_error(const struct db_result *r)
{
    return r->error;
}

const char *db_result_sqlstate(const struct db_result *r)
{
    return r->sqlstate;
}

size_t db_rows(const struct db_result *r)
{
    return r->rows ? (size_t)PQntuples(r->rows) : 0;
}

const char *db_value(const struct db_result *r, size_t row, size_t column)
{
    if (PQgetisnull(r->rows, (int)row, (int)column))
        return NULL;
    return PQgetvalue(r->rows, (int)row, (int)column);
}

int64_t db_number(const struct db_result *r, size_t row, size_t column)
{
    const char *value = db_value(r, row, column);

    return value ? strtoll(value, NULL, 10) : 0;
}
