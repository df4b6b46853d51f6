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
#include "worker/submitter.h"
#include "worker/worker_metrics.h"

enum {
    /* An entry that was handed out so often without an outcome kills its
     * workers. */
    DELIVERIES_MAX = 10,
    /* A webhook that names the provider's job id alone can overtake the answer
     * that told us of it; fed back after so long, and later each time. */
    OVERTAKEN_MS = 5 * 1000,
};

struct applier {
    struct applier_options o;
    struct job_loader *loader;
    struct fetcher *fetcher;
    struct submitter *submitter;
    struct breakers *breakers; /* by host of pictures */
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

/* It waits for a person. */
static void finish_dead(struct applier *a, struct entry *e,
                        enum dead_reason reason, const char *error)
{
    entry_finish_dead(e, reason, error, -1);
    finished(a, e);
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
        finish_dead(a, e, DEAD_PICTURE, "completed, but without a picture");
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
        finish_dead(a, e, DEAD_UNREADABLE, "says neither success nor failure");
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
        finish_dead(a, e, DEAD_UNREADABLE, "unknown verdict");
}

static void on_finished(struct entry *e, void *arg)
{
    finished(arg, e);
}

static void on_pictured(struct entry *e, const struct http_answer *answer,
                        void *arg)
{
    struct applier *a = arg;

    fetcher_take(a->fetcher, e, answer->content_type, answer->body,
                 answer->body_len);
}

static void finish_unknown(struct applier *a, struct entry *e)
{
    const struct provider *p =
        e->fields.provider ? providers_find(a->o.providers, e->fields.provider)
                           : NULL;
    bool early = p && *p->base_url && e->event.provider_job && !e->fields.job &&
                 profile_webhook_is_fixed(p->profile);

    entry_finish_dead(e, DEAD_UNKNOWN_JOB, "no job has this id",
                      early ? OVERTAKEN_MS : -1);
    finished(a, e);
}

static void on_loaded(struct entry *e, void *arg)
{
    struct applier *a = arg;
    const struct provider *p;

    if (!e->job.found) {
        finish_unknown(a, e);
    } else if (e->kind == ENTRY_SUBMIT) {
        submitter_take(a->submitter, e);
    } else if (e->fields.provider &&
               strcmp(e->fields.provider, e->job.provider) != 0) {
        e->job.found = false; /* nor may this dead letter hold the job up */
        finish_dead(a, e, DEAD_UNKNOWN_JOB, "the job is another provider's");
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
    e->adopt = p->profile->webhook.adopt && !poll && !f->job;
    return event_parse(&e->event,
                       poll ? &p->profile->status.payload
                            : &p->profile->webhook.payload,
                       &body, error, size);
}

/* What becomes of the job recording finds out by itself; only a picture should
 * not be fetched in vain. */
static bool needs_no_job(const struct entry *e)
{
    return e->kind == ENTRY_WEBHOOK && !e->fields.verdict && !e->adopt &&
           (e->event.kind == EVENT_FAILED || e->event.kind == EVENT_PROGRESS);
}

void applier_take(struct entry *e, void *arg)
{
    struct applier *a = arg;
    char error[256];

    if (e->deliveries > DELIVERIES_MAX) {
        snprintf(error, sizeof error,
                 "handed out %lld times without an outcome",
                 (long long)e->deliveries);
        finish_dead(a, e, DEAD_DELIVERIES, error);
    } else if (e->fields.malformed) {
        finish_dead(a, e, DEAD_UNREADABLE, e->fields.malformed);
    } else if (e->kind != ENTRY_SUBMIT && !e->fields.verdict &&
               parse(a, e, error, sizeof error) != 0) {
        finish_dead(a, e, DEAD_UNREADABLE, error);
    } else if (e->fields.job && !uuid_is_valid(e->fields.job)) {
        finish_dead(a, e, DEAD_UNREADABLE, "the job's id is no UUID");
    } else if (e->kind == ENTRY_SUBMIT && !e->fields.job) {
        finish_dead(a, e, DEAD_UNREADABLE, "no job to submit");
    } else if (needs_no_job(e) && entry_presume_job(e)) {
        apply_event(a, e, providers_find(a->o.providers, e->fields.provider));
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
    a->fetcher = fetcher_new(
        &(struct fetcher_options){ .http = options->http,
                                   .store = options->store,
                                   .breakers = a->breakers,
                                   .timeout_ms = options->fetch_timeout_ms,
                                   .metrics = options->metrics,
                                   .fn = on_finished,
                                   .arg = a });
    a->submitter = submitter_new(
        &(struct submitter_options){ .loop = loop,
                                     .http = options->http,
                                     .providers = options->providers,
                                     .paces = options->paces,
                                     .metrics = options->metrics,
                                     .webhook_url = options->webhook_url,
                                     .token_key = options->token_key,
                                     .submitted = on_finished,
                                     .pictured = on_pictured,
                                     .arg = a });
    a->loader = job_loader_new(loop, options->db, on_loaded, a);
    return a;
}

void applier_free(struct applier *a)
{
    if (!a)
        return;
    job_loader_free(a->loader);
    submitter_free(a->submitter);
    fetcher_free(a->fetcher);
    breakers_free(a->breakers);
    free(a);
}
