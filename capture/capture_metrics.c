#include "capture/capture_metrics.h"

#define OUTCOME(failure, label)                                                \
    [CAPTURES + (failure)] = { "shotfleet_captures_total",                     \
                               "outcome=\"" label "\"",                        \
                               "Capture requests by what became of them.",     \
                               METRIC_COUNTER }

#define WEBHOOK(index, label)                                                  \
    [index] = { "shotfleet_capture_webhooks_total", "outcome=\"" label "\"",   \
                "Webhook attempts by what became of them.", METRIC_COUNTER }

static const struct metric series[CAPTURE_METRIC_COUNT] = {
    OUTCOME(FAILURE_NONE, "completed"),
    OUTCOME(FAILURE_INVALID_REQUEST, "invalid_request"),
    OUTCOME(FAILURE_UNAUTHORIZED, "unauthorized"),
    OUTCOME(FAILURE_INVALID_URL, "invalid_url"),
    OUTCOME(FAILURE_ADDRESS_BLOCKED, "address_blocked"),
    OUTCOME(FAILURE_SELECTOR_NOT_FOUND, "selector_not_found"),
    OUTCOME(FAILURE_TIMEOUT, "timeout"),
    OUTCOME(FAILURE_NETWORK, "network_error"),
    OUTCOME(FAILURE_HTTP, "http_error"),
    OUTCOME(FAILURE_CAPTURE, "capture_error"),
    OUTCOME(FAILURE_RATE_LIMITED, "rate_limited"),
    [CAPTURE_SECONDS] = { "shotfleet_capture_seconds", NULL,
                          "From a job's turn to its picture or failure.",
                          METRIC_HISTOGRAM },
    [CAPTURE_BYTES] = { "shotfleet_capture_bytes_total", NULL,
                        "Bytes of pictures made.", METRIC_COUNTER },
    [QUEUE_LENGTH] = { "shotfleet_capture_queue_length", NULL,
                       "Captures that wait for their turn.", METRIC_GAUGE },
    [PAGES_OPEN] = { "shotfleet_capture_pages", NULL,
                     "Pages that are being rendered.", METRIC_GAUGE },
    [BROWSER_UP_GAUGE] = { "shotfleet_browser_up", NULL, "Is Chromium ready?",
                           METRIC_GAUGE },
    [BROWSER_STARTS] = { "shotfleet_browser_starts_total", NULL,
                         "How often Chromium was started.", METRIC_COUNTER },
    WEBHOOK(WEBHOOKS_DELIVERED, "delivered"),
    WEBHOOK(WEBHOOKS_RETRIED, "retried"),
    WEBHOOK(WEBHOOKS_ABANDONED, "abandoned"),
};

struct metrics *capture_metrics_new(void)
{
    return metrics_new(series, CAPTURE_METRIC_COUNT, 1);
}
