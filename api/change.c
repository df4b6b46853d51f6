#include "api/change.h"

#include <string.h>

#include "api/lookup.h"
#include "api/queue.h"
#include "api/reply.h"

static const struct db_statement cancel_statement = {
    "api_cancel",
    "select changed, attempt, status, c.document"
    " from cancel_job($1::uuid, $2) c"
    " cross join lateral (select c.document::json ->> 'status' as status) s",
};

static const struct db_statement restart_statement = {
    "api_restart",
    "select changed, attempt, status, c.document"
    " from restart_job($1::uuid, $2) c"
    " cross join lateral (select c.document::json ->> 'status' as status) s",
};

enum { CHANGED, ATTEMPT, STATUS, DOCUMENT }; /* their columns */

static bool changed(const struct db_result *result)
{
    return strcmp(db_value(result, 0, CHANGED), "t") == 0;
}

static void reply_row(struct exchange *x, unsigned status,
                      const struct db_result *result)
{
    const char *document = db_value(result, 0, DOCUMENT);

    reply(x, status, "application/json", document, strlen(document), NULL);
}

static void on_cancelled(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    const char *status;

    if (!lookup_found(x, result))
        return;
    status = db_value(result, 0, STATUS);
    if (changed(result))
        queue_news(x->api, x->name, status, db_number(result, 0, ATTEMPT));
    if (strcmp(status, "cancelled") == 0)
        reply_row(x, 200, result);
    else
        reply_problem(x, PROBLEM_WRONG_STATE,
                      "the capture is %s already; only queued and submitted "
                      "ones can be cancelled",
                      status);
}

static void on_restarted(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    int64_t attempt;

    if (!lookup_found(x, result))
        return;
    if (!changed(result)) {
        reply_problem(x, PROBLEM_WRONG_STATE,
                      "the capture is %s; only failed and cancelled ones can "
                      "be tried again",
                      db_value(result, 0, STATUS));
        return;
    }
    attempt = db_number(result, 0, ATTEMPT);
    queue_capture(x->api, x->name, attempt);
    queue_news(x->api, x->name, db_value(result, 0, STATUS), attempt);
    reply_row(x, 202, result);
}

static void ask(struct exchange *x, const struct db_statement *statement,
                db_fn *fn)
{
    const char *values[] = { x->name, *x->actor ? x->actor : NULL };

    if (lookup_ready(x))
        db_call(x->api->db, statement, values, ARRAY_LEN(values), fn, x);
}

void change_cancel(struct exchange *x)
{
    ask(x, &cancel_statement, on_cancelled);
}

void change_retry(struct exchange *x)
{
    if (shards_up(x->api->shards) == 0)
        reply_unavailable(x, "the queue is away; nothing happened, try again");
    else
        ask(x, &restart_statement, on_restarted);
}
