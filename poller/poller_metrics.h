/* poller_metrics.h - what the poller counts; the index names the series. */
#ifndef POLLER_METRICS_H
#define POLLER_METRICS_H

#include "common/metrics.h"

enum poller_metric {
    CHECKS_ENDED,   /* the provider said completed or failed */
    CHECKS_PENDING, /* still at work */
    CHECKS_LOST,    /* it does not know the job */
    CHECKS_FAILED,  /* no usable answer */
    JOBS_REQUEUED,
    JOBS_EXPIRED,
    DEAD_LETTERS_FED,
    CALLBACKS_QUEUED,
    DAYS_SUMMED,
    THINGS_REMOVED,
    CHECKS_IN_FLIGHT,
    HELD_BACK,
    /* of webhook, then of submit */
    STREAM_ENTRIES,
    STREAM_PENDING = STREAM_ENTRIES + 2,
    STREAM_OLDEST_S = STREAM_PENDING + 2,
    UNACCOUNTED_ENTRIES = STREAM_OLDEST_S + 2,
    REDIS_UP,
    DATABASE_UP,
    POLLER_METRIC_COUNT,
};

struct metrics *poller_metrics_new(void);

#endif
