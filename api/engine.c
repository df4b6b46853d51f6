#include "api/engine.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/engine_packet.h"
#include "api/live.h"
#include "api/reply.h"
#include "api/websocket.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/mem.h"

enum {
    ID_BYTES = 16,
    ID_SIZE = 2 * ID_BYTES + 1,
    BUCKETS = 4096,
    PING_INTERVAL_MS = 25 * 1000,
    PING_TIMEOUT_MS = 20 * 1000,
    TICK_MS = 1000,
    /* Until a client says what it may. */
    CONNECT_MS = 10 * 1000,
};

enum engine_transport {
    ENGINE_POLLING,
    ENGINE_PROBING, /* polling, and a WebSocket says that it works */
    ENGINE_WEBSOCKET,
};

/* The WebSocket of a session. */
struct engine_socket {
    struct engine_session *session; /* NULL once that is gone */
    struct websocket *websocket;
};

struct engine_session {
    struct engine_session *next, **link; /* in its bucket */
    struct engine_session *next_of_all, **link_of_all;
    struct engine_sessions *all;
    enum engine_transport transport;
    struct exchange *poll;       /* a GET that waits, or NULL */
    struct websocket *websocket; /* or NULL */
    struct engine_socket *socket;
    struct buf waiting; /* packets for the next poll */
    void *arg;
    int64_t opened_ms;
    int64_t heard_ms; /* the last packet */
    int64_t pinged_ms;
    bool ending;
    char id[ID_SIZE];
};

struct engine_sessions {
    struct api *api;
    const struct engine_owner *owner;
    struct loop_timer *tick;
    struct engine_session *list;
    size_t count;
    struct engine_session *buckets[BUCKETS];
};

/* --- sessions */

static size_t bucket_of(const char *id)
{
    return (size_t)strtoul((char[]){ id[0], id[1], id[2], 0 }, NULL, 16) %
           BUCKETS;
}

static struct engine_session *find(const struct engine_sessions *all,
                                   const char *id)
{
    struct engine_session *s;

    if (strlen(id) != ID_SIZE - 1)
        return NULL;
    for (s = all->buckets[bucket_of(id)]; s; s = s->next)
        if (strcmp(s->id, id) == 0)
            return s;
    return NULL;
}

static struct engine_session *session_new(struct engine_sessions *all)
{
    struct engine_session *s = mem_zalloc(sizeof *s);
    int64_t now_ms = clock_monotonic_ms();

    s->all = all;
    s->opened_ms = now_ms;
    s->heard_ms = now_ms;
    s->pinged_ms = now_ms;
    buf_init(&s->waiting, LINE_WAITING_BYTES + LINE_WRITE_BYTES);
    random_hex(ID_BYTES, s->id); /* whoever knows it is the client */
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
    return s;
}

static void answer_poll(struct engine_session *s, const char *ptr, size_t len);

static void session_free(struct engine_session *s)
{
    struct engine_sessions *all = s->all;

    if (s->poll)
        answer_poll(s, "1", 1);
    if (s->websocket) {
        s->socket->session = NULL;
        websocket_close(s->websocket, WEBSOCKET_GOING_AWAY, "", LINE_FINISHED);
    }
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

static void answer_poll(struct engine_session *s, const char *ptr, size_t len)
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
    answer_poll(s, s->waiting.data, s->waiting.len);
    buf_release(&s->waiting);
    if (s->arg)
        s->all->owner->drained(s->arg);
}

static void put_waiting(struct engine_session *s, const char *ptr, size_t len)
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

void engine_send(struct engine_session *s, const struct buf *text,
                 const struct buf *frame)
{
    if (s->ending)
        return;
    if (s->transport == ENGINE_WEBSOCKET)
        websocket_send_frames(s->websocket, frame);
    else
        put_waiting(s, text->data, text->len);
}

void engine_send_text(struct engine_session *s, const char *text, size_t len)
{
    if (s->ending)
        return;
    if (s->transport == ENGINE_WEBSOCKET)
        websocket_send(s->websocket, text, len);
    else
        put_waiting(s, text, len);
}

size_t engine_waiting(const struct engine_session *s)
{
    return s->transport == ENGINE_WEBSOCKET ? websocket_waiting(s->websocket)
                                            : s->waiting.len;
}

static void send_open(struct engine_session *s, const char *upgrades)
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

static int on_packet(struct engine_session *s, const char *ptr, size_t len)
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

/* --- the WebSocket transport */

/* The polling client's WebSocket works: let its poll go, which it waits for. */
static void on_probe(struct engine_session *s, struct engine_socket *k,
                     const char *ptr, size_t len)
{
    if (len == 6 && memcmp(ptr, "2probe", 6) == 0) {
        s->transport = ENGINE_PROBING;
        websocket_send(k->websocket, "3probe", 6);
        if (s->poll)
            answer_poll(s, "6", 1);
    } else if (len == 1 && *ptr == ENGINE_UPGRADE &&
               s->transport == ENGINE_PROBING) {
        struct buf waiting = s->waiting;
        char *packet = waiting.data;

        s->transport = ENGINE_WEBSOCKET;
        buf_init(&s->waiting, waiting.max);
        while (waiting.len > 0) { /* what came too late for a poll */
            size_t n = engine_packet_len(packet, waiting.len);
            size_t step = n < waiting.len ? n + 1 : n;

            websocket_send(k->websocket, packet, n);
            packet += step;
            waiting.len -= step;
        }
        buf_release(&waiting);
    } else {
        websocket_close(k->websocket, WEBSOCKET_PROTOCOL_ERROR, "",
                        LINE_MISBEHAVED);
    }
}

static void on_socket_message(void *arg, const char *ptr, size_t len)
{
    struct engine_socket *k = arg;
    struct engine_session *s = k->session;

    if (!s || s->ending)
        return;
    if (s->transport != ENGINE_WEBSOCKET)
        on_probe(s, k, ptr, len);
    else if (on_packet(s, ptr, len) != 0)
        engine_end(s);
}

static void on_socket_drained(void *arg)
{
    struct engine_socket *k = arg;

    if (k->session && k->session->arg)
        k->session->all->owner->drained(k->session->arg);
}

static void on_socket_closed(void *arg)
{
    struct engine_socket *k = arg;
    struct engine_session *s = k->session;

    if (s) {
        s->websocket = NULL;
        s->socket = NULL;
        if (s->transport == ENGINE_WEBSOCKET)
            engine_end(s);
        s->transport = ENGINE_POLLING;
    }
    free(k);
}

static void open_socket(struct exchange *x, struct engine_session *s)
{
    static const struct websocket_owner owner = {
        .message = on_socket_message,
        .drained = on_socket_drained,
        .closed = on_socket_closed,
    };
    struct engine_socket *k = mem_zalloc(sizeof *k);
    bool fresh = s == NULL;

    k->websocket = websocket_open(x, &owner, k);
    if (!k->websocket) {
        free(k);
        return;
    }
    if (fresh)
        s = session_new(x->api->engine);
    s->websocket = k->websocket;
    s->socket = k;
    k->session = s;
    if (!fresh)
        return;
    s->transport = ENGINE_WEBSOCKET;
    s->arg = s->all->owner->open(s, x);
    send_open(s, "");
}

/* --- the polling transport */

static void reply_engine_error(struct exchange *x, int code, const char *text)
{
    char body[128];
    int len = snprintf(body, sizeof body, "{\"code\":%d,\"message\":\"%s\"}",
                       code, text);

    reply(x, 400, "application/json", body, (size_t)len, NULL);
}

/* The client of a poll went away; it may come again. */
static void on_poll_gone(void *work)
{
    struct engine_session *s = work;

    if (s)
        s->poll = NULL;
}

static void start_polling(struct exchange *x)
{
    struct engine_sessions *all = x->api->engine;
    struct engine_session *s;

    if (all->count >= (size_t)x->api->settings->live_clients) {
        reply_unavailable(x, "too many live clients are connected; try again");
        return;
    }
    s = session_new(all);
    s->arg = all->owner->open(s, x);
    s->poll = x;
    send_open(s, "\"websocket\"");
}

static void on_get(struct exchange *x, struct engine_session *s)
{
    if (s->poll || s->transport == ENGINE_WEBSOCKET) {
        engine_end(s); /* two polls at once: one of them is not the client's */
        reply_engine_error(x, 3, "Bad request");
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

static void on_post(struct exchange *x, struct engine_session *s)
{
    size_t len = 0;
    const char *ptr = http_body(x->request, &len);
    int rc = len > WEBSOCKET_MESSAGE_BYTES ? -1 : 0;

    while (rc == 0 && len > 0) {
        size_t n = engine_packet_len(ptr, len);
        size_t step = n < len ? n + 1 : n;

        rc = on_packet(s, ptr, n);
        ptr += step;
        len -= step;
    }
    if (rc != 0) {
        engine_end(s);
        reply_engine_error(x, 3, "Bad request");
        return;
    }
    reply(x, 200, "text/html", "ok", 2, NULL);
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
        reply_engine_error(x, 5, "Unsupported protocol version");
    else if (!socket && (!transport || strcmp(transport, "polling") != 0))
        reply_engine_error(x, 0, "Transport unknown");
    else if (sid && !s)
        reply_engine_error(x, 1, "Session ID unknown");
    else if (strcmp(http_method(r), "HEAD") == 0 ||
             (posts && (!sid || socket || s->transport == ENGINE_WEBSOCKET)))
        reply_engine_error(x, 2, "Bad handshake method");
    else if (socket && s && s->websocket)
        reply_engine_error(x, 3, "Bad request");
    else if (socket)
        open_socket(x, s);
    else if (posts)
        on_post(x, s);
    else if (s)
        on_get(x, s);
    else
        start_polling(x);
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
