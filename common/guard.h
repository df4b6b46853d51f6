/* guard.h - which addresses an outbound connection may reach.
 *
 * Asked with the address that is about to be connected to, never with a name:
 * rebinding a name in between gains nothing.  Public addresses pass; others
 * pass only when SHOTFLEET_FETCH_ALLOW names them.
 */
#ifndef GUARD_H
#define GUARD_H

#include "common/ranges.h"

struct guard {
    struct ranges allow;
};

/* From the text of SHOTFLEET_FETCH_ALLOW. */
MUST_USE int guard_init(struct guard *g, const char *fetch_allow, char *error,
                        size_t error_size);
void guard_release(struct guard *g);

bool guard_allows(const struct guard *g, const struct sockaddr *address);

/* Do both URLs name the same scheme, host and port?  (RFC 6454, section 4.) */
bool same_origin(const char *url_a, const char *url_b);

#endif
