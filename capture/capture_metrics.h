/* capture_metrics.h - what capture counts; the index names the series. */
#ifndef CAPTURE_METRICS_H
#define CAPTURE_METRICS_H

#include "capture/failure.h"
#include "common/metrics.h"

enum capture_metric {
    CAPTURES, /* + enum failure; FAILURE_NONE is a picture */
    CAPTURE_SECONDS = CAPTURES + FAILURE_COUNT,
    CAPTURE_BYTES,
    QUEUE_LENGTH,
    PAGES_OPEN,
    BROWSER_UP_GAUGE,
    BROWSER_STARTS,
    WEBHOOKS_DELIVERED,
    WEBHOOKS_RETRIED,
    WEBHOOKS_ABANDONED,
    CAPTURE_METRIC_COUNT,
};

struct metrics *capture_metrics_new(void);

#endif
