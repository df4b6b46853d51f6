/* health.h - may new webhooks go to this Redis?
 *
 * Looks at every server a few times a second and closes it to new entries
 * before things break: memory near its limit, stream too long, oldest entry too
 * old.  At each connect it looks whether the server keeps what it acknowledges:
 * appendonly with appendfsync always, or with everysec where it has WAITAOF,
 * and no eviction; if not, it warns, or with REQUIRE_DURABLE closes the server.
 * (Redis documentation: Persistence; Eviction.)
 */
#ifndef HEALTH_H
#define HEALTH_H

#include "common/loop.h"
#include "common/metrics.h"
#include "common/shards.h"
#include "ingest/ingest_settings.h"
#include "ingest/waitaof.h"

struct health;

/* `reports`: this process sets the gauges about the streams.  `known` runs
 * once, when the first server has been judged.  All borrowed. */
struct health *health_new(struct loop *loop, struct shards *shards,
                          const struct ingest_settings *settings,
                          struct metrics *metrics, bool reports, loop_fn *known,
                          void *arg);
/* Answers what still waits for an fsync.  Accepts NULL; after the shards. */
void health_free(struct health *h);

/* A shard_fits_fn; `arg` is the health. */
bool health_fits(size_t index, void *arg);
/* How to append to a server that was picked, where its answer to XADD does not
 * mean that the entry is on disk; NULL where it does. */
struct waitaof *health_waitaof(struct health *h, const struct redis *redis);
/* Why no server takes entries, for the log; "" when one does. */
const char *health_reason(struct health *h);

#endif
