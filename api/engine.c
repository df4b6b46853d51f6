#include "api/engine_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/live.h"
#include "api/reply.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/mem.h"

enum {
    PING_INTERVAL_MS = 25 * 1000,
    PING_TIMEOUT_MS = 20 * 1000,
    TICK_MS = 1000,
    /* Until a client says what it may. */
    CONNECT_MS = 10 * 1000,
};

/* --- sessions */

static size_t bucket_of(const char *id)
{
    return (size_t)strtoul((char[]){ id[0], id[1], id[2], 0 }, NULL, 16) %
           ENGINE_BUCKETS;
}

static struct engine_session *find(const struct engine_sessions *all,
                                   const char *id)
{
    struct engine_session *s;

    if (strlen(id) != ENGINE_ID_SIZE - 1)
        return NULL;
    for (s = all->buckets[bucket_of(id)]; s; s = s->next)
        if (strcmp(s->id, id) == 0)
            return s;
    return NULL;
}

struct engine_session *engine_session_new(struct exchange *x,
                                          enum engine_transport transport)
{
    struct engine_sessions *all = x->api->engine;
    struct engine_session *s = mem_zalloc(sizeof *s);
    int64_t now_ms = clock_monotonic_ms();

    s->all = all;
    s->opened_ms = now_ms;
    s->heard_ms = now_ms;
    s->pinged_ms = now_ms;
    buf_init(&s->waiting, LINE_WAITING_BYTES + LINE_WRITE_BYTES);
    random_hex(ENGINE_ID_BYTES, s->id); /* whoever knows it is the client */
    s->link = &all->buckets[bucket_of(s->id)];
    s->next = *s->link;
    if (s->next)
        s->next->link = &s->next;
    *s->link = s;
    s->link_of_all = &all->list;
    s->next_of_all = all->list;
    if (s->next_of_all)
        s->next_of_all->link_of_all = &s->next_of_all;
    all->list = s;
    all->count++;
    if (!loop_timer_running(all->tick))
        loop_timer_start(all->tick, TICK_MS);
    s->transport = transport;
    s->arg = all->owner->open(s, x);
    return s;
}

static void session_free(struct engine_session *s)
{
    struct engine_sessions *all = s->all;

    if (s->poll)
        engine_polling_answer(s, "1", 1);
    if (s->websocket)
        engine_socket_leave(s);
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    *s->link_of_all = s->next_of_all;
    if (s->next_of_all)
        s->next_of_all->link_of_all = s->link_of_all;
    all->count--;
    if (s->arg)
        all->owner->closed(s->arg);
    buf_release(&s->waiting);
    free(s);
}

void engine_end(struct engine_session *s)
{
    s->ending = true;
    loop_timer_start(s->all->tick, 0);
}

/* --- sending */

void engine_send(struct engine_session *s, const struct buf *text,
                 const struct buf *frame)
{
    if (s->ending)
        return;
    if (s->transport == ENGINE_WEBSOCKET)
        websocket_send_frames(s->websocket, frame);
    else
        engine_polling_send(s, text->data, text->len);
}

void engine_send_text(struct engine_session *s, const char *text, size_t len)
{
    if (s->ending)
        return;
    if (s->transport == ENGINE_WEBSOCKET)
        engine_socket_send(s, text, len);
    else
        engine_polling_send(s, text, len);
}

size_t engine_waiting(const struct engine_session *s)
{
    return s->transport == ENGINE_WEBSOCKET ? websocket_waiting(s->websocket)
                                            : s->waiting.len;
}

void engine_send_open(struct engine_session *s, const char *upgrades)
{
    char text[256];
    int len = snprintf(text, sizeof text,
                       "0{\"sid\":\"%s\",\"upgrades\":[%s],"
                       "\"pingInterval\":%d,\"pingTimeout\":%d,"
                       "\"maxPayload\":%d}",
                       s->id, upgrades, PING_INTERVAL_MS, PING_TIMEOUT_MS,
                       WEBSOCKET_MESSAGE_BYTES);

    engine_send_text(s, text, (size_t)len);
}

/* --- receiving */

int engine_receive(struct engine_session *s, const char *ptr, size_t len)
{
    s->heard_ms = clock_monotonic_ms();
    if (len == 0)
        return -1;
    switch (*ptr) {
    case ENGINE_CLOSE:
        engine_end(s);
        return 0;
    case ENGINE_PONG:
        return 0;
    case ENGINE_MESSAGE:
        return s->all->owner->message(s->arg, ptr + 1, len - 1);
    default:
        return -1; /* also of the binary kind: "b" */
    }
}

static bool is_late(const struct engine_session *s, int64_t now_ms)
{
    return now_ms - s->heard_ms > PING_INTERVAL_MS + PING_TIMEOUT_MS ||
           (now_ms - s->opened_ms > CONNECT_MS &&
            !s->all->owner->is_connected(s->arg));
}

static void on_tick(void *arg)
{
    struct engine_sessions *all = arg;
    int64_t now_ms = clock_monotonic_ms();
    struct engine_session *next;

    for (struct engine_session *s = all->list; s; s = next) {
        next = s->next_of_all;
        if (s->ending || is_late(s, now_ms)) {
            session_free(s);
        } else if (now_ms - s->pinged_ms >= PING_INTERVAL_MS) {
            s->pinged_ms = now_ms;
            engine_send_text(s, "2", 1);
        }
    }
    if (all->list)
        loop_timer_start(all->tick, TICK_MS);
}

/* --- requests */

void engine_reply_error(struct exchange *x, int code, const char *text)
{
    char body[128];
    int len = snprintf(body, sizeof body, "{\"code\":%d,\"message\":\"%s\"}",
                       code, text);

    reply(x, 400, "application/json", body, (size_t)len, NULL);
}

void engine_handle(struct exchange *x)
{
    const struct http_request *r = x->request;
    const char *version = http_query(r, "EIO");
    const char *transport = http_query(r, "transport");
    const char *sid = http_query(r, "sid");
    bool posts = strcmp(http_method(r), "POST") == 0;
    bool socket = transport && strcmp(transport, "websocket") == 0;
    struct engine_session *s = sid ? find(x->api->engine, sid) : NULL;

    if (s && s->ending)
        s = NULL;
    if (!version || strcmp(version, "4") != 0)
        engine_reply_error(x, 5, "Unsupported protocol version");
    else if (!socket && (!transport || strcmp(transport, "polling") != 0))
        engine_reply_error(x, 0, "Transport unknown");
    else if (sid && !s)
        engine_reply_error(x, 1, "Session ID unknown");
    else if (strcmp(http_method(r), "HEAD") == 0 ||
             (posts && (!sid || socket || s->transport == ENGINE_WEBSOCKET)))
        engine_reply_error(x, 2, "Bad handshake method");
    else if (socket && s && s->websocket)
        engine_reply_error(x, 3, "Bad request");
    else if (socket)
        engine_socket_open(x, s);
    else if (posts)
        engine_polling_post(x, s);
    else if (s)
        engine_polling_get(x, s);
    else
        engine_polling_open(x);
}

/* --- life cycle */

struct engine_sessions *engine_new(struct api *a,
                                   const struct engine_owner *owner)
{
    struct engine_sessions *all = mem_zalloc(sizeof *all);

    *all = (struct engine_sessions){ .api = a, .owner = owner };
    all->tick = loop_timer_new(a->loop, on_tick, all);
    return all;
}

void engine_dismiss(struct engine_sessions *all)
{
    while (all->list)
        session_free(all->list);
}

void engine_free(struct engine_sessions *all)
{
    if (!all)
        return;
    engine_dismiss(all);
    loop_timer_free(all->tick);
    free(all);
}
