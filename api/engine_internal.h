/* engine_internal.h - what the files of Engine.IO share; nobody else.
 *
 * engine.c has the sessions, engine_polling.c and engine_socket.c what carries
 * their packets.
 */
#ifndef API_ENGINE_INTERNAL_H
#define API_ENGINE_INTERNAL_H

#include "api/engine.h"
#include "api/engine_packet.h"
#include "api/websocket.h"
#include "common/buf.h"

enum {
    ENGINE_ID_BYTES = 16,
    ENGINE_ID_SIZE = 2 * ENGINE_ID_BYTES + 1,
    ENGINE_BUCKETS = 4096,
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
    char id[ENGINE_ID_SIZE];
};

struct engine_sessions {
    struct api *api;
    const struct engine_owner *owner;
    struct loop_timer *tick;
    struct engine_session *list;
    size_t count;
    struct engine_session *buckets[ENGINE_BUCKETS];
};

/* A session of a client that has just come; its owner is asked. */
struct engine_session *engine_session_new(struct exchange *x,
                                          enum engine_transport transport);
/* The first packet; `upgrades` is a list of transports in JSON. */
void engine_send_open(struct engine_session *s, const char *upgrades);
/* -1: it is none, or against the protocol. */
MUST_USE int engine_receive(struct engine_session *s, const char *ptr,
                            size_t len);
/* 400, by Engine.IO's own table of codes. */
void engine_reply_error(struct exchange *x, int code, const char *text);

/* engine_polling.c */
void engine_polling_open(struct exchange *x);
void engine_polling_get(struct exchange *x, struct engine_session *s);
void engine_polling_post(struct exchange *x, struct engine_session *s);
/* Packets for the next poll, or the one that waits. */
void engine_polling_send(struct engine_session *s, const char *ptr, size_t len);
/* To the poll that waits, past those packets. */
void engine_polling_answer(struct engine_session *s, const char *ptr,
                           size_t len);

/* engine_socket.c */
/* `s` is NULL for a client that begins with it. */
void engine_socket_open(struct exchange *x, struct engine_session *s);
void engine_socket_send(struct engine_session *s, const char *ptr, size_t len);
/* Before its session goes. */
void engine_socket_leave(struct engine_session *s);

#endif
