#include "ingest/receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/streams.h"
#include "ingest/admission.h"

/* More webhooks than this waiting for one Redis means that it hangs. */
enum { IN_FLIGHT_MAX = 5000 };

struct append {
    struct receiver *receiver;
    struct http_request *request;
    size_t counters; /* of its provider; the profile may be reloaded */
};

/* The index of the first of a provider's counters, one per outcome. */
static size_t counters_of(const struct receiver *rc, const struct admitted *a)
{
    return ingest_series_webhooks(rc->series,
                                  a->profile ? a->profile->name : NULL, 0);
}

static void refuse(struct receiver *rc, struct http_request *r,
                   enum refusal refusal, const struct admitted *a,
                   const char *detail)
{
    static const struct http_field allow[] = { { "Allow", "POST" },
                                               { NULL, NULL } };
    char body[128];
    int len;

    metric_add(rc->metrics, counters_of(rc, a) + refusal, 1);
    log_info(LOG_WITH({ "reason", refusal_label(refusal) }, { "ip", a->ip },
                      { "provider", a->profile ? a->profile->name : NULL },
                      { "job", a->job }, { "detail", *detail ? detail : NULL }),
             "refused a webhook");
    len = snprintf(body, sizeof body, "{\"error\":\"%s\"}",
                   refusal_text(refusal));
    http_respond(r, refusal_status(refusal), "application/json", body,
                 (size_t)len, refusal == REFUSED_METHOD ? allow : NULL);
}

static void unavailable(struct receiver *rc, struct http_request *r,
                        size_t counters, const char *why)
{
    static const struct http_field later[] = { { "Retry-After", "2" },
                                               { NULL, NULL } };
    static const char body[] = "{\"error\":\"try again later\"}";

    metric_add(rc->metrics, counters + WEBHOOK_UNAVAILABLE, 1);
    log_warning(NULL, "could not accept a webhook: %s", why);
    http_respond(r, 503, "application/json", body, sizeof body - 1, later);
}

static void on_appended(const char *id, const char *error, void *arg)
{
    struct append *a = arg;
    struct receiver *rc = a->receiver;
    struct http_request *r = a->request;
    size_t counters = a->counters;
    char sha256[SHA256_HEX_SIZE], receipt[192];
    const char *body;
    size_t len = 0;
    int n;

    free(a);
    metric_add(rc->metrics, IN_FLIGHT, -1);
    if (!id) {
        unavailable(rc, r, counters, error);
        return;
    }
    body = http_body(r, &len);
    sha256_hex(body, len, sha256);
    n = snprintf(receipt, sizeof receipt,
                 "{\"receipt\":\"%s\",\"sha256\":\"%s\"}", id, sha256);
    metric_add(rc->metrics, counters + ADMITTED, 1);
    metric_observe_us(rc->metrics, ACK_SECONDS,
                      clock_monotonic_us() - http_received_us(r));
    http_respond(r, 200, "application/json", receipt, (size_t)n, NULL);
}

static void append(struct receiver *rc, struct redis *redis,
                   struct http_request *r, const struct admitted *a)
{
    struct stream_field fields[10];
    const char *type = http_header(r, "Content-Type");
    struct append *arg = mem_alloc(sizeof *arg);
    char received_ms[24];
    const char *body;
    size_t body_len = 0;
    size_t n = 0;

    *arg = (struct append){ .receiver = rc,
                            .request = r,
                            .counters = counters_of(rc, a) };
    body = http_body(r, &body_len);
    snprintf(received_ms, sizeof received_ms, "%lld",
             (long long)clock_wall_ms());
    fields[n++] = STREAM_FIELD_TEXT("v", "1");
    fields[n++] = STREAM_FIELD_TEXT("provider", a->profile->name);
    fields[n++] = STREAM_FIELD_TEXT("source", "webhook");
    if (a->job)
        fields[n++] = STREAM_FIELD_TEXT("job", a->job);
    if (a->attempt)
        fields[n++] = STREAM_FIELD_TEXT("attempt", a->attempt);
    fields[n++] = STREAM_FIELD_TEXT("received_ms", received_ms);
    fields[n++] = STREAM_FIELD_TEXT("ip", a->ip);
    if (type)
        fields[n++] = STREAM_FIELD_TEXT("type", type);
    if (a->id)
        fields[n++] = STREAM_FIELD_TEXT("id", a->id);
    fields[n++] = (struct stream_field){ "body", body, body_len };
    metric_add(rc->metrics, IN_FLIGHT, 1);
    stream_add(redis, STREAM_WEBHOOK, fields, n, on_appended, arg);
}

void receiver_handle(struct http_request *request, void *arg)
{
    struct receiver *rc = arg;
    char detail[REFUSAL_DETAIL_SIZE];
    struct admitted admitted;
    enum refusal refusal;
    struct redis *redis;

    refusal = admit(rc->gate, request, &admitted, detail);
    if (refusal != ADMITTED) {
        refuse(rc, request, refusal, &admitted, detail);
        return;
    }
    redis = shards_pick(rc->shards, health_fits, rc->health);
    if (!redis)
        unavailable(rc, request, counters_of(rc, &admitted),
                    health_reason(rc->health));
    else if (redis_outstanding(redis) >= IN_FLIGHT_MAX)
        unavailable(rc, request, counters_of(rc, &admitted),
                    "too many webhooks are waiting for redis");
    else
        append(rc, redis, request, &admitted);
}
