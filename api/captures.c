#include "api/captures.h"

#include <string.h>

#include "api/reply.h"

static const struct db_statement get_statement = {
    "api_get",
    "select document from capture_documents where id = $1::uuid",
};

static const struct db_statement history_statement = {
    "api_history",
    "select history from capture_history($1::uuid) as history"
    " where history is not null",
};

bool captures_db_ready(struct exchange *x)
{
    const struct db *db = x->api->db;

    if (!db_is_up(db))
        reply_unavailable(x, "the database is away; nothing happened, try "
                             "again");
    else if (db_outstanding(db) >= API_DB_CALLS_MAX)
        reply_unavailable(x, "too many requests at once; nothing happened, try "
                             "again");
    else
        return true;
    return false;
}

void captures_unknown(struct exchange *x)
{
    reply_problem(x, PROBLEM_NOT_FOUND, "there is no capture \"%s\"", x->name);
}

static void on_document(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    const char *text;

    if (db_result_status(result) != DB_OK) {
        reply_db_failure(x, result);
    } else if (db_rows(result) == 0) {
        captures_unknown(x);
    } else {
        text = db_value(result, 0, 0);
        reply(x, 200, "application/json", text, strlen(text), NULL);
    }
}

static void ask(struct exchange *x, const struct db_statement *statement)
{
    const char *values[] = { x->name };

    if (captures_db_ready(x))
        db_call(x->api->db, statement, values, ARRAY_LEN(values), on_document,
                x);
}

void captures_get(struct exchange *x)
{
    ask(x, &get_statement);
}

void captures_history(struct exchange *x)
{
    ask(x, &history_statement);
}
