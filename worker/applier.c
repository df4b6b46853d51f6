#include "worker/applier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "worker/breaker.h"
#include "worker/fetcher.h"
#include "worker/job_loader.h"
#include "worker/submission.h"
#include "worker/worker_metrics.h"

enum {
    SUBMIT_TIMEOUT_MS = 30 * 1000,
    /* An entry that was handed out so often without an outcome kills its
     * workers. */
    DELIVERIES_MAX = 10,
};

struct applier {
    struct applier_options o;
    struct job_loader *loader;
    struct fetcher *fetcher;
    struct breakers *breakers; /* by base URL of providers, host of pictures */
};

/* A submission under way. */
struct work {
    struct applier *applier;
    struct entry *entry;
    const struct provider *provider;
};

static void finished(struct applier *a, struct entry *e)
{
    recorder_add(a->o.recorder, e);
}

static void finish(struct applier *a, struct entry *e, const char *event,
                   const char *code, const char *error)
{
    entry_finish(e, event, code, error);
    finished(a, e);
}

static void finish_retry(struct applier *a, struct entry *e, const char *code,
                         const char *error)
{
    entry_finish_retry(e, code, error);
    finished(a, e);
}

static void finish_dead(struct applier *a, struct entry *e, const char *error,
                        int64_t delay_ms)
{
    entry_finish_dead(e, error, delay_ms);
    finished(a, e);
}

/* --- submissions */

/* Without a result it is the picture that came in answer. */
static void count_submission(struct applier *a, const struct entry *e)
{
    const char *event = e->result.event ? e->result.event : "completed";
    enum worker_metric metric = SUBMISSIONS_ACCEPTED;

    if (strcmp(event, "failed") == 0)
        metric = SUBMISSIONS_REFUSED;
    else if (strcmp(event, "postpone") == 0)
        metric = SUBMISSIONS_POSTPONED;
    metric_add(a->o.metrics, metric, 1);
}

/* A host that asks for a pause, or refuses our key, would tell every other
 * capture the same. */
static void report(struct applier *a, const struct provider *p,
                   const struct http_answer *answer, int64_t delay_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    bool answered = answer->failure == HTTP_OK;

    breaker_report(a->breakers, p->base_url, answered && answer->status < 500,
                   now_ms);
    if (answered && (answer->status == 401 || answer->status == 403 ||
                     answer->status == 429))
        breaker_pause(a->breakers, p->base_url, delay_ms, now_ms);
}

static void on_submitted(const struct http_answer *answer, void *arg)
{
    struct work *w = arg;
    struct applier *a = w->applier;
    struct entry *e = w->entry;
    bool is_picture = submission_is_picture(answer);

    if (!is_picture)
        submission_judge(e, w->provider, answer);
    count_submission(a, e);
    report(a, w->provider, answer, e->result.delay_ms);
    free(w);
    if (is_picture)
        fetcher_take(a->fetcher, e, answer->content_type, answer->body,
                     answer->body_len);
    else
        finished(a, e);
}

static void post(struct applier *a, struct entry *e, const struct provider *p,
                 const char *body)
{
    struct work *w = mem_alloc(sizeof *w);
    char *url = provider_url(p, p->profile->submit.path, NULL);
    const char *headers[] = { "Content-Type: application/json", p->auth_line,
                              NULL };
    struct http_call_options options = {
        .method = p->profile->submit.method,
        .url = url,
        .headers = headers,
        .body = body,
        .body_len = strlen(body),
        .max_bytes = LIMIT_PICTURE_BYTES, /* it may be the picture at once */
        .timeout_ms = SUBMIT_TIMEOUT_MS,
    };

    *w = (struct work){ .applier = a, .entry = e, .provider = p };
    http_client_start(a->o.http, &options, on_submitted, w);
    free(url);
}

static void submit(struct applier *a, struct entry *e)
{
    const struct provider *p = providers_find(a->o.providers, e->job.provider);
    char error[256], path[512];
    char *webhook_url, *body;
    int64_t wait_ms;

    if (strcmp(e->job.status, "queued") != 0) {
        finish(a, e, "ignored", NULL, NULL); /* somebody was faster */
        return;
    }
    if (!p || !*p->base_url) {
        snprintf(error, sizeof error,
                 "no provider \"%.64s\" that takes captures is set up",
                 e->job.provider);
        finish(a, e, "failed", "UNKNOWN_PROVIDER", error);
        return;
    }
    wait_ms = breaker_wait_ms(a->breakers, p->base_url, clock_monotonic_ms());
    if (wait_ms > 0) { /* costs neither a request nor an attempt */
        entry_finish(e, "postpone", "PROVIDER_PAUSED",
                     "the provider is left alone for a while");
        e->result.delay_ms = backoff_ms(0, 2 * wait_ms, 2 * wait_ms);
        finished(a, e);
        return;
    }
    snprintf(path, sizeof path, "%s/webhooks/%s", a->o.webhook_url,
             p->profile->name);
    webhook_url =
        webhook_url_make(path, a->o.token_key, e->job.id, e->job.attempt);
    body = submission_body(p, &e->job, webhook_url, error, sizeof error);
    if (body)
        post(a, e, p, body);
    else
        finish(a, e, "failed", "INVALID_REQUEST", error);
    free(webhook_url);
    free(body);
}

/* --- webhooks, and what the poller found out */

static bool is_terminal(const char *status)
{
    return strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0 ||
           strcmp(status, "cancelled") == 0;
}

/* Would a picture still be of use? */
static bool is_wanted(const struct entry *e)
{
    const char *attempt = e->fields.attempt;

    return !is_terminal(e->job.status) &&
           (!attempt || strtoll(attempt, NULL, 10) == e->job.attempt);
}

static void apply_failure(struct applier *a, struct entry *e,
                          const struct provider *p)
{
    const char *code =
        e->event.error_code ? e->event.error_code : "CAPTURE_ERROR";
    const char *error =
        e->event.error ? e->event.error : "the provider gave no reason";

    if (profile_retryable(p->profile, e->event.error_code, 0))
        finish_retry(a, e, code, error);
    else
        finish(a, e, "failed", code, error);
}

/* What the body claims to be; what it holds as base64 claims nothing. */
static const char *picture_type(const struct entry *e)
{
    return e->event.decoded || !e->fields.type ? "" : e->fields.type;
}

static void apply_completion(struct applier *a, struct entry *e,
                             const struct provider *p)
{
    if (!is_wanted(e)) /* recorded as what it is, without a download */
        finish(a, e, "completed", NULL, NULL);
    else if (e->event.picture)
        fetcher_take(a->fetcher, e, picture_type(e), e->event.picture,
                     e->event.picture_len);
    else if (!e->event.image_url)
        finish_dead(a, e, "completed, but without a picture", -1);
    else
        fetcher_fetch(a->fetcher, e, p);
}

static void apply_event(struct applier *a, struct entry *e,
                        const struct provider *p)
{
    if (e->event.provider_job)
        e->result.provider_job = mem_strdup(e->event.provider_job);
    switch (e->event.kind) {
    case EVENT_COMPLETED:
        apply_completion(a, e, p);
        break;
    case EVENT_FAILED:
        apply_failure(a, e, p);
        break;
    case EVENT_PROGRESS:
        e->result.progress = e->event.progress;
        finish(a, e, "progress", NULL, NULL);
        break;
    case EVENT_IGNORED:
        log_info(LOG_WITH({ "job", e->job.id }, { "event", e->event.word }),
                 "ignored a webhook of an unknown kind");
        finish(a, e, "ignored", NULL, NULL);
        break;
    case EVENT_UNCLEAR:
        finish_dead(a, e, "says neither success nor failure", -1);
        break;
    }
}

/* The poller found no answer to tell: a verdict stands in place of a body. */
static void apply_verdict(struct applier *a, struct entry *e)
{
    if (strcmp(e->fields.verdict, "deadline") == 0)
        finish(a, e, "failed", "DEADLINE",
               "not finished before the job's deadline");
    else if (strcmp(e->fields.verdict, "lost") == 0)
        finish_retry(a, e, "LOST", "the provider does not know the job");
    else if (strcmp(e->fields.verdict, "dropped") == 0)
        finish(a, e, "failed", "DROPPED", "its dead letter was given up");
    else
        finish_dead(a, e, "unknown verdict", -1);
}

static void on_fetched(struct entry *e, void *arg)
{
    finished(arg, e);
}

static void on_loaded(struct entry *e, void *arg)
{
    struct applier *a = arg;
    const struct provider *p;

    if (!e->job.found) {
        finish_dead(a, e, "no job has this id", -1);
    } else if (e->kind == ENTRY_SUBMIT) {
        submit(a, e);
    } else if (e->fields.provider &&
               strcmp(e->fields.provider, e->job.provider) != 0) {
        e->job.found = false; /* nor may this dead letter hold the job up */
        finish_dead(a, e, "the job is another provider's", -1);
    } else if (e->fields.verdict) {
        apply_verdict(a, e);
    } else {
        p = providers_find(a->o.providers, e->fields.provider);
        apply_event(a, e, p);
    }
}

static int parse(struct applier *a, struct entry *e, char *error, size_t size)
{
    const struct entry_fields *f = &e->fields;
    const struct provider *p =
        f->provider ? providers_find(a->o.providers, f->provider) : NULL;
    const char *source = f->origin ? f->origin : f->source;
    bool poll = source && strcmp(source, "poll") == 0;
    const struct event_source body = { .body = f->body ? f->body : "",
                                       .body_len = f->body_len,
                                       .type = f->type,
                                       .head = f->head };

    if (!p) {
        snprintf(error, size, "no provider \"%.64s\" is set up",
                 f->provider ? f->provider : "");
        return -1;
    }
    return event_parse(&e->event,
                       poll ? &p->profile->status.payload
                            : &p->profile->webhook.payload,
                       &body, error, size);
}

void applier_take(struct entry *e, void *arg)
{
    struct applier *a = arg;
    char error[256];

    if (e->deliveries > DELIVERIES_MAX) {
        snprintf(error, sizeof error,
                 "handed out %lld times without an outcome",
                 (long long)e->deliveries);
        finish_dead(a, e, error, -1);
    } else if (e->fields.malformed) {
        finish_dead(a, e, e->fields.malformed, -1);
    } else if (e->kind != ENTRY_SUBMIT && !e->fields.verdict &&
               parse(a, e, error, sizeof error) != 0) {
        finish_dead(a, e, error, -1);
    } else if (e->fields.job && !uuid_is_valid(e->fields.job)) {
        finish_dead(a, e, "the job's id is no UUID", -1);
    } else if (e->kind == ENTRY_SUBMIT && !e->fields.job) {
        finish_dead(a, e, "no job to submit", -1);
    } else {
        job_loader_add(a->loader, e);
    }
}

struct applier *applier_new(struct loop *loop,
                            const struct applier_options *options)
{
    struct applier *a = mem_zalloc(sizeof *a);

    a->o = *options;
    a->breakers = breakers_new();
    a->fetcher =
        fetcher_new(&(struct fetcher_options){ .http = options->http,
                                               .store = options->store,
                                               .breakers = a->breakers,
                                               .metrics = options->metrics,
                                               .fn = on_fetched,
                                               .arg = a });
    a->loader = job_loader_new(loop, options->db, on_loaded, a);
    return a;
}

void applier_free(struct applier *a)
{
    if (!a)
        return;
    job_loader_free(a->loader);
    fetcher_free(a->fetcher);
    breakers_free(a->breakers);
    free(a);
}
