#include "ingest/ingest_metrics.h"

#define OUTCOME(refusal, label)                                                \
    [WEBHOOKS + (refusal)] = { "shotfleet_webhooks_total",                     \
                               "outcome=\"" label "\"",                        \
                               "Webhook requests by what became of them.",     \
                               METRIC_COUNTER }

static const struct metric series[INGEST_METRIC_COUNT] = {
    OUTCOME(ADMITTED, "accepted"),
    OUTCOME(REFUSED_FORWARDED, "forwarded"),
    OUTCOME(REFUSED_ADDRESS, "address"),
    OUTCOME(REFUSED_PATH, "path"),
    OUTCOME(REFUSED_METHOD, "method"),
    OUTCOME(REFUSED_NO_SECRET, "no_secret"),
    OUTCOME(REFUSED_SIGNATURE, "signature"),
    OUTCOME(REFUSED_TIMESTAMP, "timestamp"),
    OUTCOME(REFUSED_TOKEN, "token"),
    OUTCOME(REFUSED_QUERY, "query"),
    OUTCOME(REFUSED_BODY, "body"),
    OUTCOME(REFUSAL_COUNT, "unavailable"),
    [ACK_SECONDS] = { "shotfleet_webhook_ack_seconds", NULL,
                      "From the end of the request to the 200.",
                      METRIC_HISTOGRAM },
    [REDIS_UP] = { "shotfleet_redis_up", NULL,
                   "Connections to Redis that work, over all processes.",
                   METRIC_GAUGE },
    [ACCEPTING] = { "shotfleet_accepting", NULL,
                    "Processes that would accept a webhook now.",
                    METRIC_GAUGE },
    [STREAM_LENGTH] = { "shotfleet_webhook_stream_entries", NULL,
                        "Webhooks that wait for workers or are in their hands.",
                        METRIC_GAUGE },
    [STREAM_OLDEST_SECONDS] = { "shotfleet_webhook_stream_oldest_seconds", NULL,
                                "Age of the oldest of these.", METRIC_GAUGE },
    [IN_FLIGHT] = { "shotfleet_webhooks_in_flight", NULL,
                    "Webhooks waiting for Redis.", METRIC_GAUGE },
};

struct metrics *ingest_metrics_new(unsigned processes)
{
    return metrics_new(series, INGEST_METRIC_COUNT, processes);
}
