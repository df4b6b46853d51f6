/* engine_socket.c - a session's packets as messages of a WebSocket, from its
 * beginning or in place of polling. */
#include "api/engine_internal.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* Each packet as a message of its own. */
void engine_socket_send(struct engine_session *s, const char *ptr, size_t len)
{
    while (len > 0) {
        size_t n = engine_packet_len(ptr, len);
        size_t step = n < len ? n + 1 : n;

        websocket_send(s->websocket, ptr, n);
        ptr += step;
        len -= step;
    }
}

void engine_socket_leave(struct engine_session *s)
{
    s->socket->session = NULL;
    websocket_close(s->websocket, WEBSOCKET_GOING_AWAY, "", LINE_FINISHED);
}

/* The polling client's WebSocket works: let its poll go, which it waits for. */
static void on_probe(struct engine_session *s, struct engine_socket *k,
                     const char *ptr, size_t len)
{
    if (len == 6 && memcmp(ptr, "2probe", 6) == 0) {
        s->transport = ENGINE_PROBING;
        websocket_send(k->websocket, "3probe", 6);
        if (s->poll)
            engine_polling_answer(s, "6", 1);
    } else if (len == 1 && *ptr == ENGINE_UPGRADE &&
               s->transport == ENGINE_PROBING) {
        s->transport = ENGINE_WEBSOCKET;
        /* what came too late for a poll */
        engine_socket_send(s, s->waiting.data, s->waiting.len);
        buf_release(&s->waiting);
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
    else if (engine_receive(s, ptr, len) != 0)
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

void engine_socket_open(struct exchange *x, struct engine_session *s)
{
    static const struct websocket_owner owner = {
        .beats = true,
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
        s = engine_session_new(x, ENGINE_WEBSOCKET);
    s->websocket = k->websocket;
    s->socket = k;
    k->session = s;
    if (fresh)
        engine_send_open(s, "");
}
