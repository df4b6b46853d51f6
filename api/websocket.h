/* websocket.h - one WebSocket of a client (RFC 6455).
 *
 * wslay reads what clients send: masks, fragments, UTF-8, pings, the closing
 * handshake.  It needs nine kilobytes for that, so it is there only while a
 * message is half read or a close is under way.  What we send are whole frames
 * (frame.h), made once for all who get the same.
 */
#ifndef API_WEBSOCKET_H
#define API_WEBSOCKET_H

#include "api/exchange.h"
#include "api/line.h"

struct buf;
struct websocket;

enum websocket_code { /* RFC 6455, 7.4.1 */
                      WEBSOCKET_GOING_AWAY = 1001,
                      WEBSOCKET_PROTOCOL_ERROR = 1002,
                      WEBSOCKET_POLICY_VIOLATION = 1008,
};

/* One message; larger ones end with 1009. */
enum { WEBSOCKET_MESSAGE_BYTES = 64 * 1024 };

struct websocket_owner {
    bool beats; /* has signs of life of its own, in place of pings */
    /* A whole text message, UTF-8. */
    void (*message)(void *arg, const char *ptr, size_t len);
    void (*drained)(void *arg); /* or NULL */
    /* It is gone; the websocket must not be used any more. */
    void (*closed)(void *arg);
};

/* Does the request ask for a WebSocket? */
bool websocket_wanted(const struct exchange *x);
/* Answers with 101 and takes the socket; NULL with another answer given.  Only
 * from the handler of a request. */
struct websocket *websocket_open(struct exchange *x,
                                 const struct websocket_owner *owner,
                                 void *arg);
/* All of these are harmless when it is closing. */
void websocket_send(struct websocket *w, const char *text, size_t len);
void websocket_send_frames(struct websocket *w, const struct buf *frames);
/* Sends a close frame and hangs up. */
void websocket_close(struct websocket *w, enum websocket_code code,
                     const char *reason, enum line_end why);
size_t websocket_waiting(const struct websocket *w);

#endif
