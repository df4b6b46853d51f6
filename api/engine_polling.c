/* engine_polling.c - a session's packets in the bodies of GETs that wait, and
 * of POSTs. */
#include "api/engine_internal.h"
#include "api/line.h"
#include "api/reply.h"

void engine_polling_answer(struct engine_session *s, const char *ptr,
                           size_t len)
{
    struct exchange *x = s->poll;

    s->poll = NULL;
    x->work = NULL;
    reply(x, 200, "text/plain; charset=UTF-8", ptr, len, NULL);
}

/* What waits, to the poll that waits. */
static void flush(struct engine_session *s)
{
    if (!s->poll || s->waiting.len == 0)
        return;
    engine_polling_answer(s, s->waiting.data, s->waiting.len);
    buf_release(&s->waiting);
    if (s->arg)
        s->all->owner->drained(s->arg);
}

void engine_polling_send(struct engine_session *s, const char *ptr, size_t len)
{
    static const char separator = ENGINE_SEPARATOR;

    if (s->waiting.len > LINE_WAITING_BYTES ||
        (s->waiting.len > 0 && buf_append(&s->waiting, &separator, 1) != 0) ||
        buf_append(&s->waiting, ptr, len) != 0) {
        engine_end(s); /* too slow */
        return;
    }
    flush(s);
}

/* The client of a poll went away; it may come again. */
static void on_poll_gone(void *work)
{
    struct engine_session *s = work;

    if (s)
        s->poll = NULL;
}

void engine_polling_open(struct exchange *x)
{
    struct engine_sessions *all = x->api->engine;
    struct engine_session *s;

    if (all->count >= (size_t)x->api->settings->live_clients) {
        reply_unavailable(x, "too many live clients are connected; try again");
        return;
    }
    s = engine_session_new(x, ENGINE_POLLING);
    s->poll = x;
    engine_send_open(s, "\"websocket\"");
}

void engine_polling_get(struct exchange *x, struct engine_session *s)
{
    if (s->poll || s->transport == ENGINE_WEBSOCKET) {
        engine_end(s); /* two polls at once: one of them is not the client's */
        engine_reply_error(x, 3, "Bad request");
        return;
    }
    if (s->transport == ENGINE_PROBING) { /* it waits for nothing any more */
        reply(x, 200, "text/plain; charset=UTF-8", "6", 1, NULL);
        return;
    }
    s->poll = x;
    x->work = s;
    x->work_free = on_poll_gone;
    flush(s);
}

void engine_polling_post(struct exchange *x, struct engine_session *s)
{
    size_t len = 0;
    const char *ptr = http_body(x->request, &len);
    int rc = len > WEBSOCKET_MESSAGE_BYTES ? -1 : 0;

    while (rc == 0 && len > 0) {
        size_t n = engine_packet_len(ptr, len);
        size_t step = n < len ? n + 1 : n;

        rc = engine_receive(s, ptr, n);
        ptr += step;
        len -= step;
    }
    if (rc != 0) {
        engine_end(s);
        engine_reply_error(x, 3, "Bad request");
        return;
    }
    reply(x, 200, "text/html", "ok", 2, NULL);
}
