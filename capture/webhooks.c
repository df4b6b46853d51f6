#include "capture/webhooks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture_metrics.h"
#include "capture/jobs.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/signature.h"

enum {
    ANSWER_BYTES = 64 * 1024, /* nobody reads it */
    ATTEMPT_MS = 10000,
    WAIT_BASE_MS = 1000, /* 1, 2, 4, 8 s, each with jitter */
    WAIT_CAP_MS = 60000,
};

struct delivery {
    struct delivery *next, *previous;
    struct webhooks *webhooks;
    enum webhook_kind kind;
    char job_id[JOB_ID_SIZE];
    char *url;
    char *body;
    size_t len;
    unsigned attempts;
    struct http_call *call; /* NULL: waiting for the timer */
    struct loop_timer *timer;
};

struct webhooks {
    struct loop *loop;
    struct webhooks_options options;
    struct delivery *deliveries;
    size_t count;
};

struct webhooks *webhooks_new(struct loop *loop,
                              const struct webhooks_options *options)
{
    struct webhooks *w = mem_zalloc(sizeof *w);

    w->loop = loop;
    w->options = *options;
    return w;
}

static void delivery_free(struct delivery *d)
{
    struct webhooks *w = d->webhooks;

    if (d->previous)
        d->previous->next = d->next;
    else
        w->deliveries = d->next;
    if (d->next)
        d->next->previous = d->previous;
    w->count--;
    if (d->call)
        http_call_cancel(d->call);
    loop_timer_free(d->timer);
    free(d->url);
    free(d->body);
    free(d);
}

void webhooks_free(struct webhooks *w)
{
    if (!w)
        return;
    while (w->deliveries)
        delivery_free(w->deliveries);
    free(w);
}

static bool is_worth_another_try(const struct http_answer *a)
{
    switch (a->failure) {
    case HTTP_OK:
        return a->status >= 500 || a->status == 429 || a->status == 408;
    case HTTP_UNRESOLVED:
    case HTTP_UNREACHABLE:
    case HTTP_TIMED_OUT:
        return true;
    case HTTP_BAD_URL:
    case HTTP_BLOCKED:
    case HTTP_TOO_LARGE:
    case HTTP_CANCELLED:
        break;
    }
    return false;
}

static void give_up(struct delivery *d, const struct http_answer *a)
{
    char status[sizeof "status 4294967295"];

    snprintf(status, sizeof status, "status %u", a->status);
    log_write(d->kind == WEBHOOK_PROGRESS ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING,
              LOG_WITH({ "job", d->job_id }),
              "could not deliver webhook after %u attempts: %s; the job's "
              "status can still be asked for",
              d->attempts, a->failure == HTTP_OK ? status : a->error);
    metric_add(d->webhooks->options.metrics, WEBHOOKS_ABANDONED, 1);
    delivery_free(d);
}

static void on_answer(const struct http_answer *answer, void *arg)
{
    struct delivery *d = arg;
    int64_t wait_ms = 0;

    d->call = NULL;
    if (answer->failure == HTTP_OK && answer->status / 100 == 2) {
        metric_add(d->webhooks->options.metrics, WEBHOOKS_DELIVERED, 1);
        delivery_free(d);
        return;
    }
    if (d->kind == WEBHOOK_PROGRESS || d->attempts >= WEBHOOK_ATTEMPTS ||
        !is_worth_another_try(answer)) {
        give_up(d, answer);
        return;
    }
    metric_add(d->webhooks->options.metrics, WEBHOOKS_RETRIED, 1);
    wait_ms = backoff_ms(d->attempts, WAIT_BASE_MS, WAIT_CAP_MS);
    if (answer->retry_after_ms > wait_ms)
        wait_ms = answer->retry_after_ms < WAIT_CAP_MS ? answer->retry_after_ms
                                                       : WAIT_CAP_MS;
    loop_timer_start(d->timer, wait_ms);
}

/* Signed at every attempt anew: a timestamp grows old. */
static void attempt(void *arg)
{
    static const struct signature_scheme scheme = {
        .layout = SIGNATURE_PLAIN,
        .algorithm = SIGNATURE_SHA256,
        .encoding = SIGNATURE_HEX,
        .template = "{timestamp}.{body}",
        .unit = TIMESTAMP_MILLISECONDS,
    };
    struct delivery *d = arg;
    const struct webhooks_options *o = &d->webhooks->options;
    char timestamp[sizeof "-9223372036854775808"];
    char timestamp_header[sizeof timestamp + 32];
    char signature_header[128];
    const char *headers[] = { "Content-Type: application/json",
                              timestamp_header, NULL, NULL };
    struct http_call_options options = {
        .method = "POST",
        .url = d->url,
        .headers = headers,
        .body = d->body,
        .body_len = d->len,
        .max_bytes = ANSWER_BYTES,
        .timeout_ms = ATTEMPT_MS,
        .guarded = !same_origin(d->url, o->trusted_url),
    };

    snprintf(timestamp, sizeof timestamp, "%" PRId64, clock_wall_ms());
    snprintf(timestamp_header, sizeof timestamp_header,
             "X-Screenshotly-Timestamp: %s", timestamp);
    if (o->key.len > 0) {
        char *signature =
            signature_make(&scheme, &o->key, NULL, timestamp, d->body, d->len);

        snprintf(signature_header, sizeof signature_header,
                 "X-Screenshotly-Signature: %s", signature);
        headers[2] = signature_header;
        free(signature);
    }
    d->attempts++;
    d->call = http_client_start(o->client, &options, on_answer, d);
}

void webhooks_send(struct webhooks *w, enum webhook_kind kind, const char *url,
                   const char *job_id, const char *body, size_t len)
{
    struct delivery *d = mem_zalloc(sizeof *d);

    d->webhooks = w;
    d->next = w->deliveries;
    if (d->next)
        d->next->previous = d;
    w->deliveries = d;
    w->count++;
    d->kind = kind;
    snprintf(d->job_id, sizeof d->job_id, "%s", job_id);
    d->url = mem_strdup(url);
    d->body = mem_dup(body, len);
    d->len = len;
    d->timer = loop_timer_new(w->loop, attempt, d);
    attempt(d);
}

size_t webhooks_under_way(const struct webhooks *w)
{
    return w->count;
}
