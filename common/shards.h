/* shards.h - the Redis servers that REDIS_URL names: one, or several that know
 * nothing of each other.
 *
 * Entries are spread over those that are up; whoever reads, reads them all.  A
 * server that dies takes nothing but its own entries with it, until it is back
 * or the poller has queued them elsewhere.  This is how a fleet outgrows one
 * Redis; there is no cluster protocol here.
 */
#ifndef SHARDS_H
#define SHARDS_H

#include "common/base.h"
#include "common/redis.h"

struct shards;

/* Splits a comma separated list of URLs ("" and blanks around are skipped);
 * -1 for an empty list or more than SHARDS_MAX.  Both texts and array are the
 * caller's to free, with shard_urls_release(). */
enum { SHARDS_MAX = 16 };
struct shard_urls {
    char *items[SHARDS_MAX];
    size_t count;
};
MUST_USE int shard_urls_parse(struct shard_urls *out, const char *list,
                              char *error, size_t error_size);
void shard_urls_release(struct shard_urls *u);

/* One connection per server; NULL with `error` only when the list is wrong. */
struct shards *shards_new(struct loop *loop, const char *redis_urls,
                          int64_t deadline_ms, char *error, size_t error_size);
void shards_free(struct shards *s); /* accepts NULL; see redis_free() */

size_t shards_count(const struct shards *s);
struct redis *shards_at(struct shards *s, size_t index);
/* Servers that are up. */
size_t shards_up(const struct shards *s);
size_t shards_outstanding(const struct shards *s);
/* Why the first one that is down is down; "" when all are up. */
const char *shards_error(const struct shards *s);

/* The next one that is up, in turn; NULL when none is.  `fits` may refuse one
 * (NULL: takes any). */
typedef bool shard_fits_fn(size_t index, void *arg);
struct redis *shards_pick(struct shards *s, shard_fits_fn *fits, void *arg);

#endif
