/* ingest_metrics.h - what ingest counts; the index names the series. */
#ifndef INGEST_METRICS_H
#define INGEST_METRICS_H

#include "common/metrics.h"
#include "ingest/admission.h"

enum ingest_metric {
    /* WEBHOOKS + enum refusal, then what befalls an admitted webhook */
    WEBHOOKS,
    WEBHOOKS_UNAVAILABLE = WEBHOOKS + REFUSAL_COUNT, /* 503 */
    ACK_SECONDS,
    REDIS_UP,
    ACCEPTING,
    STREAM_LENGTH,
    STREAM_OLDEST_SECONDS,
    IN_FLIGHT,
    INGEST_METRIC_COUNT,
};

struct metrics *ingest_metrics_new(unsigned processes);

#endif
