/* ingest_metrics.h - what ingest counts; the index names the series.
 *
 * Webhooks are counted by provider and outcome.  The series are made at start
 * from the profiles that are loaded then; a profile that a reload brings counts
 * as provider "other", a request that reaches no profile as provider "".
 */
#ifndef INGEST_METRICS_H
#define INGEST_METRICS_H

#include "common/http_server.h"
#include "common/metrics.h"
#include "common/profile.h"
#include "ingest/admission.h"

/* Why a webhook is answered 503. */
enum unavailable {
    UNAVAILABLE_REDIS_DOWN,
    UNAVAILABLE_JUST_CONNECTED, /* and not judged yet */
    UNAVAILABLE_NOT_DURABLE,    /* with REQUIRE_DURABLE */
    UNAVAILABLE_NO_WAITAOF,     /* no connection for it */
    UNAVAILABLE_IN_FLIGHT,      /* too many wait for Redis's answer */
    UNAVAILABLE_MEMORY,
    UNAVAILABLE_STREAM_LENGTH,
    UNAVAILABLE_STREAM_AGE,
    UNAVAILABLE_APPEND, /* Redis refused the entry, or gave no answer in time */
    UNAVAILABLE_COUNT,
};

enum ingest_metric {
    ACK_SECONDS,
    REDIS_UP,
    REDIS_WEAK,
    REDIS_MEMORY_PERCENT,
    ACCEPTING,
    STREAM_LENGTH,
    STREAM_OLDEST_SECONDS,
    IN_FLIGHT,
    CONNECTIONS,
    UNAVAILABLES, /* one for each enum unavailable */
    HTTP_REFUSALS =
        UNAVAILABLES + UNAVAILABLE_COUNT, /* one for each enum http_event from
                                             HTTP_FIRST_REFUSAL on */
    /* behind these: webhooks by provider and outcome */
    INGEST_METRIC_COUNT = HTTP_REFUSALS + HTTP_EVENT_COUNT - HTTP_FIRST_REFUSAL,
};

/* What becomes of a request: enum refusal, or for want of Redis, 503. */
enum { WEBHOOK_UNAVAILABLE = REFUSAL_COUNT, WEBHOOK_OUTCOMES };

struct ingest_series {
    struct metric *items;
    size_t count;
    char **providers; /* "", "other", then the profiles' names */
    size_t provider_count;
};

void ingest_series_init(struct ingest_series *s,
                        const struct profiles *profiles);
void ingest_series_release(struct ingest_series *s);
/* Borrows the series. */
struct metrics *ingest_metrics_new(const struct ingest_series *s,
                                   unsigned processes);

/* The index of webhooks with this outcome; `provider` is a profile's name, or
 * NULL where there is none. */
size_t ingest_series_webhooks(const struct ingest_series *s,
                              const char *provider, unsigned outcome);

#endif
