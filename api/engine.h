/* engine.h - Engine.IO 4 below /socket.io/: a session over long polling, over a
 * WebSocket, or first the one and then the other.
 *
 * What is sent goes out on whichever transport the session has; while none is
 * there (between two polls) it waits, up to LINE_WAITING_BYTES.  A session
 * lives in this process: with several of them polling clients need a balancer
 * that sends each to the same one again.  What messages mean is socketio.c's
 * business.
 */
#ifndef API_ENGINE_H
#define API_ENGINE_H

#include "api/exchange.h"

struct buf;
struct engine_sessions;
struct engine_session;

struct engine_owner {
    /* A session begins. */
    void *(*open)(struct engine_session *s, struct exchange *x);
    /* A message, without its "4". -1: it is against the protocol. */
    int (*message)(void *arg, const char *ptr, size_t len);
    void (*drained)(void *arg);
    /* Sessions that are not in time are ended. */
    bool (*is_connected)(const void *arg);
    /* Runs once, from the loop or a handler; the session is gone. */
    void (*closed)(void *arg);
};

struct engine_sessions *engine_new(struct api *a,
                                   const struct engine_owner *owner);
void engine_free(struct engine_sessions *all); /* accepts NULL */
/* Ends all sessions. */
void engine_dismiss(struct engine_sessions *all);

/* GET and POST of /socket.io/ */
void engine_handle(struct exchange *x);

/* A whole packet as text ("42[…]"), and the same as a WebSocket's frame. */
void engine_send(struct engine_session *s, const struct buf *text,
                 const struct buf *frame);
/* One packet, or several with ENGINE_SEPARATOR between them. */
void engine_send_text(struct engine_session *s, const char *text, size_t len);
size_t engine_waiting(const struct engine_session *s);
/* Soon, from the loop. */
void engine_end(struct engine_session *s);

#endif
