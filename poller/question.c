#include "poller/question.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "poller/poller.h"
#include "poller/poller_metrics.h"
#include "poller/queue.h"

enum {
    TIMEOUT_MS = 15 * 1000,
    BUSY_MS = 5 * 1000,       /* 429 that does not say how long */
    FORBIDDEN_MS = 60 * 1000, /* our key is wrong: an operator has to come */
    PAUSE_MAX_MS = 300 * 1000,
    COMPLAIN_MS = 1000, /* one line about failed questions in so long */
};

static const struct db_statement statement = {
    "provider_answered", "select provider_answered($1, $2, $3)"
};

struct question {
    struct poller *poller;
    const struct provider *provider;
    char *job;
    char *attempt;
    bool failing;
    question_fn *fn;
    void *arg;
};

static const char *name_of(const struct question *q)
{
    return q->provider->profile->name;
}

/* --- what it means for the provider */

static void on_reported(const struct db_result *r, void *arg)
{
    const struct provider *provider = arg;
    const char *pause_ms;

    if (db_result_status(r) != DB_OK || db_rows(r) == 0)
        return; /* the next question tells as well */
    pause_ms = db_value(r, 0, 0);
    if (pause_ms)
        log_warning(LOG_WITH({ "provider", provider->profile->name },
                             { "pause_ms", pause_ms }),
                    "the provider gives no answers and is left alone");
}

/* `error`: NULL when it went well; `pause_ms`: -1 when the provider asked for
 * none. */
static void report(const struct question *q, const char *error,
                   int64_t pause_ms)
{
    struct poller *p = q->poller;
    char pause[24];

    if (!error && !q->failing)
        return;
    if (!error)
        log_info(LOG_WITH({ "provider", name_of(q) }),
                 "the provider answers again");
    snprintf(pause, sizeof pause, "%" PRId64,
             pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
    db_call(
        p->db, &statement,
        (const char *const[]){ name_of(q), error, pause_ms < 0 ? NULL : pause },
        3, on_reported, (void *)(uintptr_t)q->provider);
}

static void failed(const struct question *q, const char *error,
                   int64_t pause_ms)
{
    struct poller *p = q->poller;
    int64_t now_ms = clock_monotonic_ms();
    char unsaid[24];

    metric_add(p->metrics, CHECKS_FAILED, 1);
    report(q, error, pause_ms);
    if (p->complained_ms != 0 && now_ms - p->complained_ms < COMPLAIN_MS) {
        p->unsaid++;
        return;
    }
    snprintf(unsaid, sizeof unsaid, "%u", p->unsaid);
    log_warning(LOG_WITH({ "job", q->job }, { "provider", name_of(q) },
                         { "not_said", p->unsaid > 0 ? unsaid : NULL }),
                "could not learn what became of a job: %s", error);
    p->complained_ms = now_ms;
    p->unsaid = 0;
}

/* --- what it means for the job */

/* Only an end is worth an entry; a job at work is left alone. */
static void judge_body(const struct question *q,
                       const struct http_answer *answer)
{
    struct poller *p = q->poller;
    const struct profile *profile = q->provider->profile;
    const struct event_source body = { .body = answer->body,
                                       .body_len = answer->body_len };
    char error[256] = "", text[512];
    struct event event;

    if (event_parse(&event, &profile->status.payload, &body, error,
                    sizeof error) != 0 ||
        event.kind == EVENT_UNCLEAR || event.kind == EVENT_IGNORED) {
        snprintf(text, sizeof text, "its answer makes no sense: %s%s",
                 *error ? error : "neither success nor failure: ",
                 !*error && event.word ? event.word : "");
        failed(q, text, -1);
    } else if (event.kind == EVENT_PROGRESS) {
        metric_add(p->metrics, CHECKS_PENDING, 1);
        report(q, NULL, -1);
    } else {
        metric_add(p->metrics, CHECKS_ENDED, 1);
        log_info(LOG_WITH({ "job", q->job }, { "provider", profile->name }),
                 "the webhook never came; the provider says %s",
                 event_kind_name(event.kind));
        queue_answer(p->shards, profile->name, q->job, q->attempt, answer->body,
                     answer->body_len);
        report(q, NULL, -1);
    }
    event_release(&event);
}

static void judge_status(const struct question *q,
                         const struct http_answer *answer)
{
    unsigned status = answer->status;
    int64_t pause_ms = answer->retry_after_ms;
    char error[64];

    snprintf(error, sizeof error, "it answered HTTP %u", status);
    if (status == 404 || status == 410) {
        metric_add(q->poller->metrics, CHECKS_LOST, 1);
        log_info(LOG_WITH({ "job", q->job }, { "provider", name_of(q) }),
                 "the provider does not know the job any more");
        queue_verdict(q->poller->shards, name_of(q), q->job, q->attempt,
                      "lost");
        report(q, NULL, -1);
    } else if (status == 401 || status == 403) {
        failed(q, "it refuses our key; check SHOTFLEET_PROVIDER_KEY",
               FORBIDDEN_MS);
    } else if (status == 429) {
        failed(q, error, pause_ms < 0 ? BUSY_MS : pause_ms);
    } else if (status != 200) {
        failed(q, error, pause_ms);
    } else {
        judge_body(q, answer);
    }
}

static void on_answer(const struct http_answer *answer, void *arg)
{
    struct question *q = arg;

    if (answer->failure == HTTP_OK)
        judge_status(q, answer);
    else if (answer->failure != HTTP_CANCELLED)
        failed(q, answer->error, -1);
    q->fn(q->provider, q->arg);
    free(q->job);
    free(q->attempt);
    free(q);
}

void question_ask(struct poller *p, const struct provider *provider,
                  const char *job, const char *attempt, const char *id,
                  bool failing, question_fn *fn, void *arg)
{
    struct question *q = mem_alloc(sizeof *q);
    char *url = provider_url(provider, provider->profile->status.path, id);
    const char *headers[] = { provider->auth_line, NULL };
    struct http_call_options options = {
        .method = "GET",
        .url = url,
        .headers = headers,
        .max_bytes = LIMIT_PROVIDER_ANSWER_BYTES,
        .timeout_ms = TIMEOUT_MS,
    };

    *q = (struct question){ .poller = p,
                            .provider = provider,
                            .job = mem_strdup(job),
                            .attempt = mem_strdup(attempt),
                            .failing = failing,
                            .fn = fn,
                            .arg = arg };
    http_client_start(p->http, &options, on_answer, q);
    free(url);
}
