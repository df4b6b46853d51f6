/* worker_metrics.h - what the workers count; the index names the series. */
#ifndef WORKER_METRICS_H
#define WORKER_METRICS_H

#include "common/metrics.h"

enum worker_metric {
    ENTRIES_RECORDED,
    ENTRIES_DUPLICATE,
    ENTRIES_IGNORED,
    ENTRIES_DEAD,
    ENTRIES_REPEATED, /* recorded before by somebody else */
    ENTRIES_IN_HAND,
    ENTRIES_TAKEN_OVER,
    BATCH_SECONDS,
    BATCH_ENTRIES,
    BATCHES_FAILED,
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
    DATABASE_UP,
    REDIS_UP,
    WORKER_METRIC_COUNT,
};

struct metrics *worker_metrics_new(unsigned processes);

#endif
