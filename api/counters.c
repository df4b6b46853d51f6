#include "api/counters.h"

#define REQUESTS(route, class)                                                 \
    {                                                                          \
        "shotfleet_api_requests_total",                                        \
            "route=\"" route "\",class=\"" class "\"", "Requests answered",    \
            METRIC_COUNTER                                                     \
    }
#define ROUTE(route, name)                                                     \
    [COUNTER_REQUESTS + (route)*COUNTER_CLASSES] = REQUESTS(name, "2xx"),      \
                        REQUESTS(name, "3xx"), REQUESTS(name, "4xx"),          \
                        REQUESTS(name, "5xx")

#define ENDED(why, name)                                                       \
    [COUNTER_LIVE_ENDED +                                                      \
        (why)] = { "shotfleet_api_live_ended_total", "why=\"" name "\"",       \
                   "Live clients that are gone", METRIC_COUNTER }

static const struct metric series[COUNTER_COUNT] = {
    ROUTE(ROUTE_SUBMIT, "submit"),
    ROUTE(ROUTE_LIST, "list"),
    ROUTE(ROUTE_CAPTURE, "capture"),
    ROUTE(ROUTE_CANCEL, "cancel"),
    ROUTE(ROUTE_RETRY, "retry"),
    ROUTE(ROUTE_HISTORY, "history"),
    ROUTE(ROUTE_IMAGE, "image"),
    ROUTE(ROUTE_THUMBNAIL, "thumbnail"),
    ROUTE(ROUTE_CAPTURE_EVENTS, "capture-events"),
    ROUTE(ROUTE_EVENTS, "events"),
    ROUTE(ROUTE_WATCH_TOKENS, "watch-tokens"),
    ROUTE(ROUTE_LIVE, "live"),
    ROUTE(ROUTE_SOCKETIO, "socketio"),
    ROUTE(ROUTE_BATCHES, "batches"),
    ROUTE(ROUTE_BATCH, "batch"),
    ROUTE(ROUTE_DEAD_LETTERS, "dead-letters"),
    ROUTE(ROUTE_DEAD_LETTER, "dead-letter"),
    ROUTE(ROUTE_FLEET, "fleet"),
    ROUTE(ROUTE_PROVIDERS, "providers"),
    ROUTE(ROUTE_PAGE, "page"),
    ROUTE(ROUTE_NONE, "none"),
    [COUNTER_SECONDS] = { "shotfleet_api_request_seconds", NULL,
                          "From the whole request to its answer",
                          METRIC_HISTOGRAM },
    [COUNTER_ACCEPTED] = { "shotfleet_captures_accepted_total", NULL,
                           "Captures queued for users", METRIC_COUNTER },
    [COUNTER_NOT_APPENDED] = { "shotfleet_captures_not_appended_total", NULL,
                               "Captures left to the poller, because Redis did "
                               "not take their entry",
                               METRIC_COUNTER },
    [COUNTER_SUBSCRIBERS] = { "shotfleet_api_subscribers", NULL,
                              "Live clients connected now", METRIC_GAUGE },
    [COUNTER_LIVE_ENTRIES] = { "shotfleet_api_live_entries_total", NULL,
                               "Entries read from the live stream",
                               METRIC_COUNTER },
    [COUNTER_LIVE_GAPS] = { "shotfleet_api_live_gaps_total", NULL,
                            "Times that live entries were lost and all was "
                            "looked up",
                            METRIC_COUNTER },
    [COUNTER_LIVE_TOLD] = { "shotfleet_api_live_told_total", NULL,
                            "Events told to live clients", METRIC_COUNTER },
    [COUNTER_LIVE_BYTES] = { "shotfleet_api_live_bytes_total", NULL,
                             "Bytes sent to live clients", METRIC_COUNTER },
    ENDED(LINE_LEFT, "left"),
    ENDED(LINE_SLOW, "slow"),
    ENDED(LINE_FINISHED, "finished"),
    ENDED(LINE_MISBEHAVED, "misbehaved"),
    ENDED(LINE_REFUSED, "refused"),
    ENDED(LINE_STOPPING, "stopping"),
};

const struct metric *counters(void)
{
    return series;
}
