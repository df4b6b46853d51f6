/* recorder.h - records finished entries, many in one transaction, each once.
 *
 * The transaction first, then acknowledge and tell.  A batch
 * holds one entry per job; another one of the same job waits for the next
 * batch.  A batch that fails is halved: until a slow database gets it done in
 * its time, or the entry that it refuses is alone; that becomes a dead letter.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include "common/db.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "worker/entry.h"

struct recorder;

/* Batches under way at once: while one waits for the disk, another is worked
 * on. */
enum { RECORDER_LANES = 2 };

struct recorder_options {
    struct db *const *dbs; /* RECORDER_LANES; each for recording only */
    struct metrics *metrics;
    int64_t stale_after_ms;
};

struct recorder *recorder_new(struct loop *loop,
                              const struct recorder_options *options);
void recorder_free(struct recorder *r); /* accepts NULL */

/* Keeps the finished entry until it is recorded, however long that takes; then
 * its consumer acknowledges and frees it. */
void recorder_add(struct recorder *r, struct entry *e);
/* Entries that are not recorded yet, those of the running transaction included.
 */
size_t recorder_waiting(const struct recorder *r);

#endif
