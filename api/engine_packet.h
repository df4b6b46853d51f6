/* engine_packet.h - the texts of Engine.IO 4 and Socket.IO 5, as its clients
 * send them: packets within packets.
 *
 * A message of Engine.IO ("4…") holds a packet of Socket.IO: its type, a
 * namespace other than "/", an id where an acknowledgement is wanted, and JSON.
 * Pure: bytes in, places in them out.
 */
#ifndef API_ENGINE_PACKET_H
#define API_ENGINE_PACKET_H

#include "common/base.h"

enum engine_type {
    ENGINE_OPEN = '0',
    ENGINE_CLOSE = '1',
    ENGINE_PING = '2',
    ENGINE_PONG = '3',
    ENGINE_MESSAGE = '4',
    ENGINE_UPGRADE = '5',
    ENGINE_NOOP = '6',
};

enum socketio_type {
    SOCKETIO_CONNECT = '0',
    SOCKETIO_DISCONNECT = '1',
    SOCKETIO_EVENT = '2',
    SOCKETIO_ACK = '3',
    SOCKETIO_ERROR = '4',
};

/* Between the packets of one HTTP body. */
enum { ENGINE_SEPARATOR = 0x1e };

struct socketio_packet {
    enum socketio_type type;
    const char *name; /* of the namespace, "/" included; NULL for "/" */
    size_t name_len;
    const char *id; /* digits, or NULL */
    size_t id_len;
    const char *json; /* the rest, which may be empty */
    size_t json_len;
};

/* The next packet of a body: its length, at most what is left. */
size_t engine_packet_len(const char *ptr, size_t len);

/* What stands behind ENGINE_MESSAGE; false when it is no packet, or one of the
 * binary kind. */
MUST_USE bool socketio_packet_parse(const char *ptr, size_t len,
                                    struct socketio_packet *out);

#endif
