#include "ingest/receiver.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/encoding.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/streams.h"
#include "ingest/admission.h"
#include "ingest/handover.h"

enum { RECEIPT_SIZE = 192 };

/* What the access log tells of an accepted webhook. */
struct sample {
    char *provider; /* copies: the profile may be reloaded */
    char *job;      /* or NULL */
    char ip[ADDRESS_TEXT_SIZE];
    char bytes[24];
};

/* An entry that Redis has not answered yet. */
struct append {
    struct receiver *receiver;
    struct http_request *request;
    size_t shard;         /* where it goes */
    size_t counters;      /* of its provider; the profile may be reloaded */
    enum refusal refusal; /* ADMITTED, or why it is kept as a dead letter */
    enum webhook_answer answer;
    struct sample *sample; /* NULL: it gets no line */
};

/* The index of the first of a provider's counters, one per outcome. */
static size_t counters_of(const struct receiver *rc, const struct admitted *a)
{
    return ingest_series_webhooks(rc->series,
                                  a->profile ? a->profile->name : NULL, 0);
}

/* --- answers */

static void refuse(struct receiver *rc, struct http_request *r, size_t counters,
                   enum refusal refusal)
{
    static const struct http_field allow[] = { { "Allow", "POST" },
                                               { NULL, NULL } };
    char body[128];
    int len = snprintf(body, sizeof body, "{\"error\":\"%s\"}",
                       refusal_text(refusal));

    metric_add(rc->metrics, counters + refusal, 1);
    tally_add(rc->tally, counters + refusal);
    http_respond(r, refusal_status(refusal), "application/json", body,
                 (size_t)len, refusal == REFUSED_METHOD ? allow : NULL);
}

static void unavailable(struct receiver *rc, struct http_request *r,
                        size_t counters, enum unavailable why,
                        const char *reason)
{
    static const struct http_field later[] = { { "Retry-After", "2" },
                                               { NULL, NULL } };
    static const char body[] = "{\"error\":\"try again later\"}";

    metric_add(rc->metrics, counters + WEBHOOK_UNAVAILABLE, 1);
    metric_add(rc->metrics, UNAVAILABLES + why, 1);
    if (access_log_refusal(rc->log))
        log_warning(NULL, "could not accept a webhook: %s", reason);
    http_respond(r, 503, "application/json", body, sizeof body - 1, later);
}

static char *put(char *at, const char *text)
{
    size_t len = strlen(text);

    memcpy(at, text, len);
    return at + len;
}

static size_t make_receipt(const struct receiver *rc, struct http_request *r,
                           const char *id, char out[RECEIPT_SIZE])
{
    char sha256[SHA256_HEX_SIZE];
    size_t len = 0;
    const char *body = http_body(r, &len);
    char *at = out;

    assert(strlen(id) < STREAM_ID_SIZE);
    sha256_run(rc->sha256, body, len, sha256);
    at = put(at, "{\"receipt\":\"");
    at = put(at, id);
    at = put(at, "\",\"sha256\":\"");
    at = put(at, sha256);
    at = put(at, "\"}");
    return (size_t)(at - out);
}

static void accept_webhook(struct receiver *rc, const struct append *a,
                           const char *id)
{
    struct http_request *r = a->request;
    char receipt[RECEIPT_SIZE];

    metric_add(rc->metrics, a->counters + ADMITTED, 1);
    metric_observe_us(rc->metrics, ACK_SECONDS,
                      clock_monotonic_us() - http_received_us(r));
    if (a->sample)
        log_info(LOG_WITH({ "entry", id }, { "ip", a->sample->ip },
                          { "provider", a->sample->provider },
                          { "job", a->sample->job },
                          { "bytes", a->sample->bytes }),
                 "accepted a webhook");
    if (a->answer == WEBHOOK_ANSWER_OK) {
        http_respond(r, 200, "text/plain", "OK", 2, NULL);
        return;
    }
    http_respond(r, 200, "application/json", receipt,
                 make_receipt(rc, r, id, receipt), NULL);
}

/* --- appending */

static struct sample *sample_new(const struct admitted *a)
{
    struct sample *s = mem_zalloc(sizeof *s);

    s->provider = mem_strdup(a->profile->name);
    s->job = mem_strdup_or_null(a->webhook.job);
    snprintf(s->ip, sizeof s->ip, "%s", a->ip);
    snprintf(s->bytes, sizeof s->bytes, "%zu", a->request.body_len);
    return s;
}

static void sample_free(struct sample *s)
{
    if (!s)
        return;
    free(s->provider);
    free(s->job);
    free(s);
}

static void on_appended(const char *id, const char *error, void *arg)
{
    struct append *a = arg;
    struct receiver *rc = a->receiver;

    metric_add(rc->metrics, IN_FLIGHT, -1);
    health_done(rc->health, a->shard);
    if (!id)
        unavailable(rc, a->request, a->counters, UNAVAILABLE_APPEND, error);
    else if (a->refusal != ADMITTED)
        refuse(rc, a->request, a->counters, a->refusal);
    else
        accept_webhook(rc, a, id);
    sample_free(a->sample);
    free(a);
}

static struct append *append_new(struct receiver *rc, size_t shard,
                                 struct http_request *r,
                                 const struct admitted *a, enum refusal refusal)
{
    struct append *append = mem_alloc(sizeof *append);

    *append = (struct append){ .receiver = rc,
                               .shard = shard,
                               .request = r,
                               .counters = counters_of(rc, a),
                               .refusal = refusal,
                               .answer = a->profile->webhook.answer };
    if (refusal == ADMITTED && access_log_accepted(rc->log))
        append->sample = sample_new(a);
    return append;
}

static void add_text(struct stream_field *fields, size_t *n, const char *name,
                     const char *text)
{
    if (text)
        fields[(*n)++] = STREAM_FIELD_TEXT(name, text);
}

static void append(struct receiver *rc, size_t shard, struct http_request *r,
                   const struct admitted *a, enum refusal refusal)
{
    const struct webhook *w = &a->webhook;
    struct waitaof *waitaof = health_waitaof(rc->health, shard);
    struct stream_field fields[12];
    struct handover handover;
    char received_ms[DECIMAL_SIZE];
    size_t n = 0;

    handover_init(&handover, a->profile, w, &a->request);
    decimal_encode(a->now_ms, received_ms);
    add_text(fields, &n, "v", "1");
    add_text(fields, &n, "provider", a->profile->name);
    add_text(fields, &n, "source", "webhook");
    add_text(fields, &n, "job", w->job);
    add_text(fields, &n, "attempt", w->attempt);
    add_text(fields, &n, "received_ms", received_ms);
    add_text(fields, &n, "ip", a->ip);
    add_text(fields, &n, "type", w->type);
    add_text(fields, &n, "id", w->id);
    add_text(fields, &n, "head", handover.head);
    if (refusal != ADMITTED)
        add_text(fields, &n, "malformed", a->detail);
    fields[n++] =
        (struct stream_field){ "body", handover.body, handover.body_len };
    metric_add(rc->metrics, IN_FLIGHT, 1);
    if (waitaof)
        waitaof_add(waitaof, STREAM_WEBHOOK, fields, n, on_appended,
                    append_new(rc, shard, r, a, refusal));
    else
        stream_add(shards_at(rc->shards, shard), STREAM_WEBHOOK, fields, n,
                   on_appended, append_new(rc, shard, r, a, refusal));
    handover_release(&handover);
}

/* --- judging */

/* "" where there is none, or no time for it. */
static void explain(struct receiver *rc, const struct admitted *a,
                    char hint[DIAGNOSIS_SIZE])
{
    int64_t began_us = clock_monotonic_us();

    *hint = '\0';
    if (!admitted_is_diagnosable(a) || !access_log_explains(rc->log))
        return;
    admitted_diagnose(a, rc->gate, hint);
    access_log_explained(rc->log, clock_monotonic_us() - began_us);
}

/* To operators alone: in the log, and among the last ones. */
static void tell_refusal(struct receiver *rc, enum refusal refusal,
                         const struct admitted *a)
{
    char hint[DIAGNOSIS_SIZE];
    bool line = access_log_refusal(rc->log);
    const struct rejection rejection = {
        .at_ms = clock_wall_ms(),
        .reason = refusal_label(refusal),
        .ip = a->ip,
        .provider = a->profile ? a->profile->name : NULL,
        .job = a->webhook.job,
        .detail = a->detail ? a->detail : refusal_text(refusal),
        .explanation = hint,
    };

    explain(rc, a, hint);
    rejected_put(rc->rejected, rc->process, refusal, &rejection);
    if (line)
        log_info(LOG_WITH({ "reason", rejection.reason }, { "ip", a->ip },
                          { "provider", rejection.provider },
                          { "job", rejection.job }, { "detail", a->detail },
                          { "hint", *hint ? hint : NULL }),
                 "refused a webhook");
}

static void turn_away(struct receiver *rc, struct http_request *r,
                      enum refusal refusal, const struct admitted *a)
{
    tell_refusal(rc, refusal, a);
    refuse(rc, r, counters_of(rc, a), refusal);
}

static void take_in(struct receiver *rc, struct http_request *r,
                    enum refusal refusal, const struct admitted *a)
{
    enum unavailable why = UNAVAILABLE_REDIS_DOWN;
    const char *reason = "";
    size_t shard;

    if (health_take(rc->health, &shard)) {
        append(rc, shard, r, a, refusal);
        return;
    }
    reason = health_reason(rc->health, &why);
    unavailable(rc, r, counters_of(rc, a), why, reason);
}

void receiver_look(struct http_request *request, void *arg)
{
    struct receiver *rc = arg;
    struct admitted admitted;
    enum refusal refusal = admit_head(rc->gate, request, &admitted);

    if (refusal != ADMITTED)
        turn_away(rc, request, refusal, &admitted);
    admitted_release(&admitted);
}

void receiver_handle(struct http_request *request, void *arg)
{
    struct receiver *rc = arg;
    struct admitted admitted;
    enum refusal refusal = admit(rc->gate, request, clock_wall_ms(), &admitted);

    if (refusal != ADMITTED && !refusal_is_authentic(refusal)) {
        turn_away(rc, request, refusal, &admitted);
    } else {
        if (refusal != ADMITTED)
            tell_refusal(rc, refusal, &admitted);
        take_in(rc, request, refusal, &admitted);
    }
    admitted_release(&admitted);
}
