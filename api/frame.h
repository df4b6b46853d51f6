/* frame.h - WebSocket frames as a server writes them (RFC 6455, 5.2): whole
 * messages, unmasked.  What clients send is wslay's to read (websocket.c). */
#ifndef API_FRAME_H
#define API_FRAME_H

#include "common/buf.h"

enum frame_opcode {
    FRAME_TEXT = 1,
    FRAME_CLOSE = 8,
    FRAME_PING = 9,
    FRAME_PONG = 10,
};

/* Adds nothing when it does not fit. */
MUST_USE int frame_append(struct buf *out, enum frame_opcode opcode,
                          const char *ptr, size_t len);

#endif
