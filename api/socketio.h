/* socketio.h - Socket.IO 4 clients follow captures (protocol 5, namespace "/").
 *
 *     const socket = io("http://127.0.0.1:8080", { auth: { token } });
 *     socket.emit("subscribe", jobId, (answer) => …);
 *     socket.on("screenshot-ready", (capture, eventId) => …);
 *
 * The arguments of `subscribe` and `unsubscribe` are what wish.h says: what,
 * and an object with `token` and `since` where they are needed. */
#ifndef API_SOCKETIO_H
#define API_SOCKETIO_H

#include "api/engine.h"

extern const struct engine_owner socketio_owner;

#endif
