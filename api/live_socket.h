/* live_socket.h - GET /v1/live: a WebSocket for changes of many captures.
 *
 * The client sends wishes (wish.h), each answered by `subscribed`,
 * `unsubscribed` or `error`; then come the same events that server-sent events
 * have, as {"event","id","data"}. */
#ifndef API_LIVE_SOCKET_H
#define API_LIVE_SOCKET_H

#include "api/exchange.h"

void live_socket_open(struct exchange *x);

#endif
