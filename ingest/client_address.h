/* client_address.h - who really sent this request?
 *
 * The peer of the connection, unless the peer is a trusted proxy: then the
 * right-most address in X-Forwarded-For that is no trusted proxy.  Whatever an
 * untrusted peer writes there is ignored.
 */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include <sys/socket.h>

#include "common/ranges.h"

/* `forwarded` is the header's value or NULL.  -1 when a trusted proxy sent
 * something that is no address list. */
MUST_USE int client_address(const struct ranges *trusted,
                            const struct sockaddr *peer, const char *forwarded,
                            struct sockaddr_storage *out);

#endif
