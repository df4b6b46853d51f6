/* tally.h - refused webhooks, counted for the providers' scorecard.
 *
 * /metrics forgets with its process; this is told to the poller every few
 * seconds, as entries of a capped stream of their own.  What a killed process
 * had not told yet, or a dying Redis has not kept, is not counted: the
 * scorecard's figures are a lower bound.
 */
#ifndef TALLY_H
#define TALLY_H

#include "common/loop.h"
#include "common/shards.h"
#include "ingest/ingest_metrics.h"

struct tally;

/* All borrowed. */
struct tally *tally_new(struct loop *loop, struct shards *shards,
                        const struct ingest_series *series);
/* After its shards are freed.  Accepts NULL. */
void tally_free(struct tally *t);

/* `series`: of ingest_series_webhooks(). */
void tally_add(struct tally *t, size_t series);
/* Tells now what was counted. */
void tally_flush(struct tally *t);

#endif
