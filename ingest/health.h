/* health.h - may new webhooks go to this Redis?
 *
 * Looks at every server a few times a second and closes it to new entries
 * before things break: memory near its limit, stream too long, oldest entry too
 * old, too many entries without an answer.  At each connect and every few
 * seconds it asks whether the server keeps what it acknowledges
 * (persistence.h); if not, it warns, or with REQUIRE_DURABLE closes the server.
 */
#ifndef HEALTH_H
#define HEALTH_H

#include "common/loop.h"
#include "common/metrics.h"
#include "common/shards.h"
#include "ingest/ingest_metrics.h"
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

/* The next server that takes an entry, in turn; false when none does.  Calls
 * for health_done() once the entry has been answered. */
MUST_USE bool health_take(struct health *h, size_t *shard);
void health_done(struct health *h, size_t shard);
/* How to append there, where the answer to XADD does not mean that the entry is
 * on disk; NULL where it does. */
struct waitaof *health_waitaof(struct health *h, size_t shard);
/* Why no server takes entries, for the log, and in one word; "" when one does.
 * Of several servers, the last one's reason. */
const char *health_reason(struct health *h, enum unavailable *why);

#endif
