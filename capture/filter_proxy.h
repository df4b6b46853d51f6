/* filter_proxy.h - the only way out for the pages that Chromium renders.
 *
 * A small forward proxy on loopback.  It resolves the name itself and asks the
 * guard about the address that it is about to connect to, for every connection
 * again, so there is nothing that a redirect, a script or a rebound name could
 * reach around it.  It speaks HTTP only (CONNECT, and absolute http:// URLs),
 * so there are no other schemes to serve either.
 *
 * It has no password: other users of the machine can reach it, and get no
 * further through it than the pages that they could have captured.
 */
#ifndef FILTER_PROXY_H
#define FILTER_PROXY_H

#include "common/base.h"
#include "common/guard.h"
#include "common/loop.h"

struct filter_proxy;

/* Why it did not connect; also said in the field X-Shotfleet-Refused of its
 * answer: 403 for an address that is not allowed, else 502. */
enum refusal {
    REFUSAL_NONE,
    REFUSAL_BLOCKED,     /* the guard does not allow any of its addresses */
    REFUSAL_UNRESOLVED,  /* the name has no address */
    REFUSAL_UNREACHABLE, /* nothing accepted the connection */
    REFUSAL_COUNT,
};

/* Listens on a free port of 127.0.0.1; `guard` is borrowed. */
MUST_USE int filter_proxy_new(struct filter_proxy **out, struct loop *loop,
                              const struct guard *guard, char *error,
                              size_t error_size);
/* After all else that lives in the loop: lets the loop run once.  Accepts
 * NULL. */
void filter_proxy_free(struct filter_proxy *p);
uint16_t filter_proxy_port(const struct filter_proxy *p);

/* Why it last refused to connect to the host of `url`, if that was not before
 * `since_ms` (clock_monotonic_ms).  Chromium does not tell: to it a refused
 * CONNECT is a proxy that failed.  Remembers the last few hundred. */
enum refusal filter_proxy_refusal(const struct filter_proxy *p, const char *url,
                                  int64_t since_ms);

#endif
