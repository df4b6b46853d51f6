#include "api/events.h"

#include <string.h>

#include "api/live.h"
#include "api/lookup.h"
#include "api/reply.h"

static const struct db_statement state_statement = {
    "api_state",
    "select status, document from capture_documents where id = $1::uuid",
};

/* The subscriber of this exchange, which frees it unless it has begun. */
static struct subscriber *subscribe(struct exchange *x, const char *job)
{
    struct api *a = x->api;
    struct subscriber *s = NULL;

    if (strcmp(http_method(x->request), "HEAD") == 0)
        reply(x, 200, "text/event-stream", NULL, 0, NULL);
    else if (a->stop_by_ms > 0)
        reply_unavailable(x, "this server is about to stop; try again");
    else if (!(s = subscriber_new(a->subscribers, job)))
        reply_unavailable(x, "too many streams of events are open; ask for "
                             "the state instead, or try again");
    x->work = s;
    x->work_free = subscriber_free;
    return s;
}

/* The exchange may be gone after this. */
static void begin(struct exchange *x, struct subscriber *s)
{
    static const struct http_field extra[] = {
        { "X-Accel-Buffering", "no" }, /* nginx would hold events back */
        { 0 },
    };
    struct reply_fields fields;

    x->work = NULL;
    reply_count(x, 200);
    subscriber_begin(s, x->request, reply_fields(&fields, extra));
}

static void on_state(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    struct subscriber *s = x->work;
    struct news news = { .job = x->name,
                         .position = live_position(x->api->live) };

    if (db_result_status(result) != DB_OK) {
        reply_db_failure(x, result);
        return;
    }
    if (db_rows(result) == 0) {
        lookup_unknown(x);
        return;
    }
    news.status = db_value(result, 0, 0);
    news.document = db_value(result, 0, 1);
    begin(x, s);
    subscriber_tell(s, &news);
}

/* Subscribes before it asks: a change in between is asked about behind us on
 * the same connection, and so heard after the first state. */
void events_of_one(struct exchange *x)
{
    const char *values[] = { x->name };

    if (lookup_ready(x) && subscribe(x, x->name))
        db_call(x->api->db, &state_statement, values, ARRAY_LEN(values),
                on_state, x);
}

void events_of_all(struct exchange *x)
{
    struct subscriber *s = subscribe(x, NULL);

    if (s)
        begin(x, s);
}
