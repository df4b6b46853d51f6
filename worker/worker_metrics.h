/* worker_metrics.h - what the workers count; the index names the series. */
#ifndef WORKER_METRICS_H
#define WORKER_METRICS_H

#include "common/metrics.h"
#include "worker/entry.h"

enum entry_outcome {
    ENTRY_RECORDED,
    ENTRY_DUPLICATE,
    ENTRY_IGNORED,
    ENTRY_DEAD,
    ENTRY_REPEATED, /* recorded before by somebody else */
    ENTRY_OUTCOMES,
};

enum worker_metric {
    /* five for each kind, in the order of enum entry_outcome */
    ENTRIES_WEBHOOK,
    ENTRIES_POLL = ENTRIES_WEBHOOK + ENTRY_OUTCOMES,
    ENTRIES_RETRY = ENTRIES_POLL + ENTRY_OUTCOMES,
    ENTRIES_SUBMIT = ENTRIES_RETRY + ENTRY_OUTCOMES,
    ENTRIES_LAST = ENTRIES_SUBMIT + ENTRY_OUTCOMES - 1,
    ENTRIES_IN_HAND,
    ENTRIES_TAKEN_OVER,
    RECEIVED_TO_RECORDED,
    RETRIES,
    DEAD_LETTERS, /* in the order of enum dead_reason */
    DEAD_LETTERS_LAST = DEAD_LETTERS + DEAD_REASONS - 1,
    BATCH_SECONDS,
    BATCH_ENTRIES,
    BATCHES_FAILED,
    DOWNLOADS_PROVIDER, /* from the provider's own address; failed: + 1 */
    DOWNLOADS_OTHER = DOWNLOADS_PROVIDER + 2,
    DOWNLOADS_LAST = DOWNLOADS_OTHER + 1,
    PICTURES_STORED,
    PICTURE_BYTES,
    PICTURES_FAILED,
    SUBMISSIONS_ACCEPTED,
    SUBMISSIONS_REFUSED,
    SUBMISSIONS_POSTPONED,
    CALLBACKS_DELIVERED, /* in the order of enum callback_outcome */
    CALLBACKS_FAILED,
    CALLBACKS_POSTPONED,
    CALLBACKS_STOPPED,
    STORAGE_UP,
    CHILDREN_RESTARTED,
    DATABASE_UP,
    REDIS_UP,
    WORKER_METRIC_COUNT,
};

struct metrics *worker_metrics_new(unsigned processes);

#endif
