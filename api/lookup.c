#include "api/lookup.h"

#include <string.h>

#include "api/reply.h"
#include "common/token.h"

bool lookup_ready(struct exchange *x)
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

void lookup_unknown(struct exchange *x)
{
    const char *path = http_path(x->request);
    const char *noun = "capture";

    if (strncmp(path, "/v1/batches/", strlen("/v1/batches/")) == 0)
        noun = "batch";
    else if (strncmp(path, "/v1/dead-letters/", strlen("/v1/dead-letters/")) ==
             0)
        noun = "dead letter";
    reply_problem(x, PROBLEM_NOT_FOUND, "there is no %s \"%s\"%s", noun,
                  x->name, uuid_is_valid(x->name) ? "" : "; ids are UUIDs");
}

bool lookup_found(struct exchange *x, const struct db_result *result)
{
    if (db_result_status(result) != DB_OK)
        reply_db_failure(x, result);
    else if (db_rows(result) == 0)
        lookup_unknown(x);
    else
        return true;
    return false;
}

static void on_document(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    const char *text;

    if (!lookup_found(x, result))
        return;
    text = db_value(result, 0, 0);
    reply(x, 200, "application/json", text, strlen(text), NULL);
}

void lookup_document(struct exchange *x, const struct db_statement *statement)
{
    lookup_document_of(x, statement, x->name);
}

void lookup_document_of(struct exchange *x,
                        const struct db_statement *statement, const char *value)
{
    if (lookup_ready(x))
        db_call(x->api->db, statement, &value, 1, on_document, x);
}
