#include "ingest/ingest_metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define HTTP_REFUSAL(event, reason)                                            \
    [HTTP_REFUSALS + (event)-HTTP_FIRST_REFUSAL] = {                           \
        "shotfleet_http_refusals_total", "reason=\"" reason "\"",              \
        "Connections and requests refused before they were webhooks.",         \
        METRIC_COUNTER                                                         \
    }

#define UNAVAILABLE(why, reason)                                               \
    [UNAVAILABLES +                                                            \
        (why)] = { "shotfleet_unavailable_total", "reason=\"" reason "\"",     \
                   "Webhooks answered 503, by reason.", METRIC_COUNTER }

static const struct metric fixed[INGEST_METRIC_COUNT] = {
    [ACK_SECONDS] = { "shotfleet_webhook_ack_seconds", NULL,
                      "From the end of the request to the 200.",
                      METRIC_HISTOGRAM },
    [REDIS_UP] = { "shotfleet_redis_up", NULL,
                   "Connections to Redis that work, over all processes.",
                   METRIC_GAUGE },
    [REDIS_WEAK] = { "shotfleet_redis_weak", NULL,
                     "Redis servers that may lose what they acknowledge.",
                     METRIC_GAUGE },
    [REDIS_MEMORY_PERCENT] = { "shotfleet_redis_memory_percent", NULL,
                               "Of maxmemory, the fullest Redis; 0: no limit.",
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
    [CONNECTIONS] = { "shotfleet_http_connections", NULL,
                      "Open connections, whatever they do.", METRIC_GAUGE },
    UNAVAILABLE(UNAVAILABLE_REDIS_DOWN, "redis_down"),
    UNAVAILABLE(UNAVAILABLE_JUST_CONNECTED, "just_connected"),
    UNAVAILABLE(UNAVAILABLE_NOT_DURABLE, "not_durable"),
    UNAVAILABLE(UNAVAILABLE_NO_WAITAOF, "no_waitaof"),
    UNAVAILABLE(UNAVAILABLE_IN_FLIGHT, "in_flight"),
    UNAVAILABLE(UNAVAILABLE_MEMORY, "memory"),
    UNAVAILABLE(UNAVAILABLE_STREAM_LENGTH, "stream_length"),
    UNAVAILABLE(UNAVAILABLE_STREAM_AGE, "stream_age"),
    UNAVAILABLE(UNAVAILABLE_APPEND, "append"),
    HTTP_REFUSAL(HTTP_CONNECTION_REFUSED, "address_limit"),
    HTTP_REFUSAL(HTTP_HEAD_MALFORMED, "head"),
    HTTP_REFUSAL(HTTP_HEAD_TOO_LARGE, "head_size"),
    HTTP_REFUSAL(HTTP_BODY_MALFORMED, "chunks"),
    HTTP_REFUSAL(HTTP_BODY_TOO_LARGE, "size"),
    HTTP_REFUSAL(HTTP_HEAD_TIMED_OUT, "slow_head"),
    HTTP_REFUSAL(HTTP_BODY_TIMED_OUT, "slow_body"),
    HTTP_REFUSAL(HTTP_BODIES_TOO_MANY, "memory"),
};

enum { PROVIDER_NONE, PROVIDER_OTHER, PROVIDERS_FIRST };

static const char *outcome_name(unsigned outcome)
{
    return outcome == WEBHOOK_UNAVAILABLE ? "unavailable"
                                          : refusal_label(outcome);
}

static void add_provider(struct ingest_series *s, const char *name)
{
    s->providers[s->provider_count++] = mem_strdup(name);
    for (unsigned i = 0; i < WEBHOOK_OUTCOMES; i++)
        s->items[s->count++] = (struct metric){
            "shotfleet_webhooks_total",
            /* a profile's name is made of a-z, 0-9 and - */
            mem_format("provider=\"%s\",outcome=\"%s\"", name, outcome_name(i)),
            "Webhook requests by provider and what became of them.",
            METRIC_COUNTER
        };
}

void ingest_series_init(struct ingest_series *s,
                        const struct profiles *profiles)
{
    size_t providers = PROVIDERS_FIRST + profiles->count;

    *s = (struct ingest_series){ .count = INGEST_METRIC_COUNT };
    s->items = mem_resize_array(
        NULL, INGEST_METRIC_COUNT + providers * WEBHOOK_OUTCOMES,
        sizeof *s->items);
    s->providers = mem_resize_array(NULL, providers, sizeof *s->providers);
    memcpy(s->items, fixed, sizeof fixed);
    add_provider(s, "");
    add_provider(s, "other");
    for (size_t i = 0; i < profiles->count; i++)
        add_provider(s, profiles->items[i].name);
}

void ingest_series_release(struct ingest_series *s)
{
    for (size_t i = INGEST_METRIC_COUNT; i < s->count; i++)
        free((char *)s->items[i].labels); /* made by add_provider() */
    for (size_t i = 0; i < s->provider_count; i++)
        free(s->providers[i]);
    free(s->items);
    free(s->providers);
    *s = (struct ingest_series){ 0 };
}

struct metrics *ingest_metrics_new(const struct ingest_series *s,
                                   unsigned processes)
{
    return metrics_new(s->items, s->count, processes);
}

size_t ingest_series_webhooks(const struct ingest_series *s,
                              const char *provider, unsigned outcome)
{
    size_t i = provider ? PROVIDER_OTHER : PROVIDER_NONE;

    assert(outcome < WEBHOOK_OUTCOMES);
    for (size_t k = PROVIDERS_FIRST; provider && k < s->provider_count; k++) {
        if (strcmp(s->providers[k], provider) == 0)
            i = k;
    }
    return INGEST_METRIC_COUNT + i * WEBHOOK_OUTCOMES + outcome;
}
