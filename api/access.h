/* access.h - who may talk to us: keys, hosts and origins.
 *
 * With keys, a request to /v1/ needs one.  Without keys we listen on loopback
 * only, and the danger is a web page in the user's own browser: so the Host
 * must be ours (DNS rebinding) and what changes something must not come from
 * another origin (CSRF).  Pure but for access_init().
 */
#ifndef API_ACCESS_H
#define API_ACCESS_H

#include "common/base.h"
#include "common/digest.h"

struct access {
    struct secrets keys; /* none: open, on loopback */
    char *listen_host; /* a Host that is ours as well; "[::1]" with brackets */
};

/* From SHOTFLEET_API_KEYS and SHOTFLEET_API_LISTEN.  -1 with one line in
 * `error` when no key is there and the address is not loopback's. */
MUST_USE int access_init(struct access *a, const char *keys, const char *listen,
                         char *error, size_t error_size);
void access_release(struct access *a);

bool access_needs_key(const struct access *a);

/* The key in these header values, NULL when they have none. */
const char *access_key_given(const char *authorization, const char *api_key);
/* Is it one of the settings' keys?  Constant-time against every one. */
MUST_USE bool access_key_fits(const struct access *a, const char *given);

/* Is `host` (with or without port) this machine, by a name that no outsider can
 * point elsewhere? */
MUST_USE bool access_host_fits(const struct access *a, const char *host);

/* Does `origin` (NULL: not a browser, or an old one) name the same host and
 * port as `host`? */
MUST_USE bool access_origin_fits(const char *origin, const char *host);

#endif
