#include "worker/submitter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/token.h"
#include "worker/breaker.h"
#include "worker/submission.h"
#include "worker/submission_request.h"
#include "worker/worker_metrics.h"

enum {
    TIMEOUT_MS = 30 * 1000,
    /* So long an entry may wait here for its turn, and so many of one process:
     * those of other providers need places, too. */
    HOLD_MS = 2000,
    HELD_MAX = 8,
};

/* One capture: waiting for its turn, or under way. */
struct work {
    struct work *next, **link; /* among all; what points here */
    struct submitter *submitter;
    struct entry *entry;
    const struct provider *provider;
    struct pace *pace;
    struct loop_timer *turn; /* NULL: never had to wait */
    int64_t since_ms, asked_ms;
};

struct submitter {
    struct submitter_options o;
    struct breakers *breakers; /* by base URL */
    struct work *first;
    size_t held; /* that wait */
};

struct submitter *submitter_new(const struct submitter_options *options)
{
    struct submitter *s = mem_zalloc(sizeof *s);

    s->o = *options;
    s->breakers = breakers_new();
    return s;
}

static void work_free(struct work *w)
{
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    loop_timer_free(w->turn);
    free(w);
}

void submitter_free(struct submitter *s)
{
    if (!s)
        return;
    while (s->first)
        work_free(s->first);
    breakers_free(s->breakers);
    free(s);
}

static void finish(struct submitter *s, struct entry *e, const char *event,
                   const char *code, const char *error, int64_t delay_ms)
{
    entry_finish(e, event, code, error);
    e->result.delay_ms = delay_ms;
    s->o.submitted(e, s->o.arg);
}

/* --- the answer */

/* Without a result it is the picture that came in answer. */
static void count(struct submitter *s, const struct entry *e)
{
    const char *event = e->result.event ? e->result.event : "completed";
    enum worker_metric metric = SUBMISSIONS_ACCEPTED;

    if (strcmp(event, "failed") == 0)
        metric = SUBMISSIONS_REFUSED;
    else if (strcmp(event, "postpone") == 0)
        metric = SUBMISSIONS_POSTPONED;
    metric_add(s->o.metrics, metric, 1);
}

/* A provider that asks for a pause, or refuses our key, would tell every other
 * capture the same, of every process. */
static void heed(struct submitter *s, struct work *w,
                 const struct http_answer *answer)
{
    const struct provider *p = w->provider;
    int64_t now_ms = clock_monotonic_ms();
    int64_t delay_ms = w->entry->result.delay_ms;
    bool answered = answer->failure == HTTP_OK;
    unsigned status = answered ? answer->status : 0;

    breaker_report(s->breakers, p->base_url, answered && status < 500, now_ms);
    if (status == 401 || status == 403 || status == 429 ||
        (status == 503 && answer->retry_after_ms >= 0))
        pace_pause(w->pace, delay_ms, now_ms);
    if ((status == 401 || status == 403) && pace_may_complain(w->pace, now_ms))
        log_error(LOG_WITH({ "provider", p->profile->name }),
                  "provider refuses our key (HTTP %u), no captures are "
                  "submitted to it; check SHOTFLEET_PROVIDER_KEY",
                  status);
}

static void on_answer(const struct http_answer *answer, void *arg)
{
    struct work *w = arg;
    struct submitter *s = w->submitter;
    struct entry *e = w->entry;
    bool is_picture = submission_is_picture(answer);
    int64_t took_ms = clock_monotonic_ms() - w->asked_ms;

    /* a time-out does not say how fast it is */
    pace_done(s->o.paces, w->pace, answer->failure == HTTP_OK ? took_ms : -1);
    if (!is_picture)
        submission_judge(e, w->provider, answer);
    count(s, e);
    heed(s, w, answer);
    work_free(w);
    if (is_picture)
        s->o.pictured(e, answer, s->o.arg);
    else
        s->o.submitted(e, s->o.arg);
}

/* --- the request */

static void post(struct work *w, const struct submission_request *r)
{
    const struct provider *p = w->provider;
    const char **headers = mem_alloc((r->header_count + 2) * sizeof *headers);
    size_t n = 0;
    struct http_call_options options = {
        .method = p->profile->submit.method,
        .url = r->url,
        .headers = headers,
        .body = r->body,
        .body_len = r->body ? strlen(r->body) : 0,
        .max_bytes = LIMIT_PICTURE_BYTES, /* it may be the picture at once */
        .timeout_ms = TIMEOUT_MS,
    };

    for (; n < r->header_count; n++)
        headers[n] = r->headers[n];
    if (p->auth_line)
        headers[n++] = p->auth_line;
    headers[n] = NULL;
    http_client_start(w->submitter->o.http, &options, on_answer, w);
    free(headers);
}

static void send_request(struct work *w, int64_t now_ms)
{
    struct submitter *s = w->submitter;
    struct entry *e = w->entry;
    char *path = mem_format("%s/webhooks/%s", s->o.webhook_url,
                            w->provider->profile->name);
    char *webhook_url =
        webhook_url_make(path, s->o.token_key, e->job.id, e->job.attempt);
    struct submission_request r;
    char error[256];

    if (submission_request_init(&r, w->provider, &e->job, webhook_url, error,
                                sizeof error) == 0) {
        w->asked_ms = now_ms;
        post(w, &r);
    } else {
        pace_done(s->o.paces, w->pace, -1);
        work_free(w);
        finish(s, e, "failed", "INVALID_REQUEST", error, -1);
    }
    submission_request_release(&r);
    free(webhook_url);
    free(path);
}

/* --- its turn */

static void postpone(struct work *w, const char *code, const char *error,
                     int64_t delay_ms)
{
    struct submitter *s = w->submitter;
    struct entry *e = w->entry;

    work_free(w);
    finish(s, e, "postpone", code, error, delay_ms);
}

static void take_turn(struct work *w);

static void on_turn(void *arg)
{
    struct work *w = arg;

    w->submitter->held--;
    take_turn(w);
}

static void hold(struct work *w, int64_t wait_ms)
{
    struct submitter *s = w->submitter;

    if (!w->turn)
        w->turn = loop_timer_new(s->o.loop, on_turn, w);
    loop_timer_start(w->turn, wait_ms);
    s->held++;
}

static void take_turn(struct work *w)
{
    struct submitter *s = w->submitter;
    double per_s = w->provider->profile->limits.submit_per_s;
    unsigned at_once = w->provider->profile->limits.submit_at_once;
    int64_t now_ms = clock_monotonic_ms();
    int64_t shut_ms = pace_paused_ms(w->pace, now_ms);
    int64_t wait_ms = shut_ms;

    if (shut_ms == 0)
        wait_ms = pace_take(s->o.paces, w->pace, per_s, at_once, now_ms);
    if (wait_ms == 0) {
        wait_ms = shut_ms =
            breaker_wait_ms(s->breakers, w->provider->base_url, now_ms);
        if (shut_ms > 0)
            pace_done(s->o.paces, w->pace, -1);
    }
    if (wait_ms == 0)
        send_request(w, now_ms);
    else if (now_ms + wait_ms - w->since_ms <= HOLD_MS && s->held < HELD_MAX)
        hold(w, wait_ms);
    else if (shut_ms > 0) /* all come back, but not in one moment */
        postpone(w, "PROVIDER_PAUSED", "the provider is left alone for a while",
                 backoff_ms(0, 2 * shut_ms, 2 * shut_ms));
    else
        postpone(w, "PROVIDER_LIMIT",
                 "waits its turn: the provider's limit is reached",
                 pace_come_back_ms(w->pace, per_s, at_once, now_ms));
}

static void start(struct submitter *s, struct entry *e,
                  const struct provider *p)
{
    struct work *w = mem_alloc(sizeof *w);

    *w = (struct work){ .next = s->first,
                        .link = &s->first,
                        .submitter = s,
                        .entry = e,
                        .provider = p,
                        .pace = pace_of(s->o.paces, p->profile->name),
                        .since_ms = clock_monotonic_ms() };
    if (s->first)
        s->first->link = &w->next;
    s->first = w;
    take_turn(w);
}

void submitter_take(struct submitter *s, struct entry *e)
{
    const struct provider *p = providers_find(s->o.providers, e->job.provider);
    char error[256];

    if (strcmp(e->job.status, "queued") != 0) {
        finish(s, e, "ignored", NULL, NULL, -1); /* somebody was faster */
    } else if (!p || !*p->base_url || !p->profile->submit.path) {
        snprintf(error, sizeof error,
                 "no provider \"%.64s\" that takes captures is set up",
                 e->job.provider);
        finish(s, e, "failed", "UNKNOWN_PROVIDER", error, -1);
    } else {
        start(s, e, p);
    }
}
