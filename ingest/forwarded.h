/* forwarded.h - the addresses that proxies have noted on a request's way.
 *
 * X-Forwarded-For is a list of addresses; Forwarded (RFC 7239) a list of
 * elements like for="[2001:db8::7]:4711";proto=https.  Both are read to the
 * letter, the farthest hop first.  Whom to believe is client_address.h's
 * business.
 */
#ifndef FORWARDED_H
#define FORWARDED_H

#include <sys/socket.h>

#include "common/base.h"

/* A request that passed more proxies than this goes in circles. */
enum { FORWARDED_HOPS_MAX = 32 };

struct forwarded {
    /* of family AF_UNSPEC where no address stands: "unknown", an obfuscated
     * identifier (RFC 7239, section 6.3), anything else in X-Forwarded-For */
    struct sockaddr_storage hops[FORWARDED_HOPS_MAX];
    size_t count;
};

/* Each adds what one header line says; several lines make one list (RFC 9110,
 * section 5.3).  Empty elements are passed over.  -1 when there are too many
 * hops, or the line is not of RFC 7239's grammar; `f` is then of no use. */
MUST_USE int forwarded_add_addresses(struct forwarded *f, const char *line);
MUST_USE int forwarded_add_elements(struct forwarded *f, const char *line);

#endif
