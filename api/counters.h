/* counters.h - what shotfleet-api counts. */
#ifndef API_COUNTERS_H
#define API_COUNTERS_H

#include "api/exchange.h"
#include "common/metrics.h"

enum counter {
    COUNTER_REQUESTS, /* ROUTE_COUNT rows of COUNTER_CLASSES */
    COUNTER_CLASSES = 4,
    COUNTER_SECONDS = COUNTER_REQUESTS + ROUTE_COUNT * COUNTER_CLASSES,
    COUNTER_ACCEPTED,
    COUNTER_NOT_APPENDED,
    COUNTER_SUBSCRIBERS,
    COUNTER_LIVE_ENTRIES,
    COUNTER_COUNT
};

/* For metrics_new(). */
const struct metric *counters(void);

#endif
