/* consumer.h - reading one stream as a member of its consumer group.
 *
 * At least once: an entry that is handed out stays pending in Redis until it is
 * acknowledged.  Entries in hand are kept alive by a heart-beat; entries that
 * nobody has kept alive for `takeover_ms` are claimed.  A vanished group (Redis
 * was wiped) is created again from 0.  Never more than `window` entries are in
 * hand.
 */
#ifndef CONSUMER_H
#define CONSUMER_H

#include "common/loop.h"
#include "common/metrics.h"
#include "common/redis.h"
#include "worker/entry.h"

struct consumer;

/* Takes the entry; gives it back with consumer_acknowledge(). */
typedef void consumer_fn(struct entry *e, void *arg);

struct consumer_options {
    const char *redis_url;
    struct redis *writer; /* shared, for everything that does not block */
    const char *shard; /* name of this redis among several, else ""; borrowed */
    const char *name;  /* of the consumer: host-pid-boot id; borrowed */
    enum entry_kind kind; /* which stream */
    size_t window;
    int64_t takeover_ms;
    consumer_fn *fn;
    void *arg;
    struct metrics *metrics;
};

/* NULL with `error` when the Redis URL is wrong. */
struct consumer *consumer_new(struct loop *loop,
                              const struct consumer_options *options,
                              char *error, size_t error_size);
void consumer_free(
    struct consumer *c); /* accepts NULL; drops what is in hand */

/* Reads no more until it is resumed. */
void consumer_pause(struct consumer *c, bool paused);
/* Reads no more. */
void consumer_stop(struct consumer *c);
/* Stopped, its last read has come back, and nothing is in hand. */
bool consumer_is_idle(const struct consumer *c);

/* Acknowledges and deletes the entries (all of this consumer) in one step and
 * frees them.  If Redis is away, they will be delivered again, which is
 * harmless: they are recorded. */
void consumer_acknowledge(struct consumer *c, struct entry **entries,
                          size_t count);

enum entry_kind consumer_kind(const struct consumer *c);
size_t consumer_in_hand(const struct consumer *c);
/* The connection for everything that does not block, and the shard's name. */
struct redis *consumer_redis(const struct consumer *c);
const char *consumer_shard(const struct consumer *c);

#endif
