/* resolver.h - names to addresses, without blocking the loop.
 *
 * glibc's getaddrinfo_a(): its own threads do what getaddrinfo() does, so that
 * /etc/hosts, nsswitch.conf and resolv.conf count as everywhere else on the
 * machine, also when they change.
 */
#ifndef RESOLVER_H
#define RESOLVER_H

#include "common/base.h"
#include "common/loop.h"

struct addrinfo;
struct lookup;
struct resolver;

/* `addresses` (NULL when `error` is not) belong to the callee, who frees them
 * with freeaddrinfo(). */
typedef void lookup_fn(struct addrinfo *addresses, const char *error,
                       void *arg);

MUST_USE int resolver_new(struct resolver **out, struct loop *loop);
/* Lookups still under way are given up; their callbacks do not run. */
void resolver_free(struct resolver *r); /* accepts NULL */

/* `fn` runs once, never from inside this call, unless cancelled. */
struct lookup *resolver_lookup(struct resolver *r, const char *host,
                               uint16_t port, lookup_fn *fn, void *arg);
void lookup_cancel(struct lookup *l); /* accepts NULL */

#endif
