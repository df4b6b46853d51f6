/* counters.h - what shotfleet-api counts. */
#ifndef API_COUNTERS_H
#define API_COUNTERS_H

#include "api/exchange.h"
#include "api/line.h"
#include "common/metrics.h"

enum counter {
    COUNTER_REQUESTS, /* ROUTE_COUNT rows of COUNTER_CLASSES */
    COUNTER_CLASSES = 4,
    COUNTER_SECONDS = COUNTER_REQUESTS + ROUTE_COUNT * COUNTER_CLASSES,
    COUNTER_ACCEPTED,
    COUNTER_NOT_APPENDED,
    COUNTER_SUBSCRIBERS,
    COUNTER_LIVE_ENTRIES,
    COUNTER_LIVE_GAPS,
    COUNTER_LIVE_TOLD,
    COUNTER_LIVE_BYTES,
    COUNTER_LIVE_ENDED, /* LINE_END_COUNT of them */
    COUNTER_LIVE_LAST = COUNTER_LIVE_ENDED + LINE_END_COUNT - 1,
    COUNTER_COUNT
};

/* For metrics_new(). */
const struct metric *counters(void);

#endif
