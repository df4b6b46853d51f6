/* fetcher.h - gets the picture that a completed capture speaks of, and stores
 * it.
 *
 * A bounded number at a time, because each one is held in memory until it is
 * stored, and of each host a bounded share of that; the others wait their turn.
 * The provider's own address comes from our settings and is trusted; every
 * other address has to pass the guard.  The key goes to the provider's own
 * origin and to those that the profile names, and is dropped where they
 * redirect to another.
 */
#ifndef FETCHER_H
#define FETCHER_H

#include "common/http_client.h"
#include "common/metrics.h"
#include "common/provider.h"
#include "worker/breaker.h"
#include "worker/entry.h"

struct fetcher;

/* The entry's result is set: completed, dead, or retry (the picture is gone).
 */
typedef void fetched_fn(struct entry *e, void *arg);

struct fetcher_options {
    struct http_client *http;
    struct store *store;
    struct breakers *breakers;
    int64_t timeout_ms; /* of one picture */
    struct metrics *metrics;
    fetched_fn *fn;
    void *arg;
};

struct fetcher *fetcher_new(const struct fetcher_options *options);
/* After the http client, which ends what is under way, and the store. */
void fetcher_free(struct fetcher *f); /* accepts NULL */

/* From e->event.image_url.  `fn` may run before this returns. */
void fetcher_fetch(struct fetcher *f, struct entry *e,
                   const struct provider *p);
/* The bytes are here already.  Likewise. */
void fetcher_take(struct fetcher *f, struct entry *e, const char *type,
                  const char *ptr, size_t len);

#endif
