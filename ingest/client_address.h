/* client_address.h - who really sent this request?
 *
 * The peer of the connection, unless the peer is a trusted proxy: then the
 * right-most address in X-Forwarded-For or Forwarded (RFC 7239) that is no
 * trusted proxy.  Whatever an untrusted peer writes there is ignored.
 *
 * A proxy that writes one of the two headers hands on whatever its client has
 * put into the other one.  Which of the two is the proxy's cannot be told from
 * the outside, so where both are there they must name the same address.
 */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include <sys/socket.h>

#include "common/ranges.h"

/* The values of a header's lines, in order. */
struct header_lines {
    const char *const *values;
    size_t count;
};

/* NULL, or what is wrong with a trusted proxy's headers: they are malformed,
 * have no address at the decisive place, or disagree. */
MUST_USE const char *client_address(const struct ranges *trusted,
                                    const struct sockaddr *peer,
                                    const struct header_lines *x_forwarded_for,
                                    const struct header_lines *forwarded,
                                    struct sockaddr_storage *out);

#endif
