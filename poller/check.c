/* Submitted jobs that nothing was heard of: the provider is asked, and its
 * answer goes down the webhook stream.  No answer, no harm: the lease that
 * check_due() gave ends, and the job is due again, later each time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "poller/poller.h"
#include "poller/poller_metrics.h"
#include "poller/queue.h"

enum {
    ASKED_MAX = 50, /* questions under way at once */
    ASK_TIMEOUT_MS = 15 * 1000,
};

enum column { JOB_ID, ATTEMPT, PROVIDER, PROVIDER_JOB_ID, EXPIRED };

static const struct db_statement statement = {
    "check_due", "select job_id, attempt, provider, provider_job_id, expired"
                 " from check_due($1, $2)"
};

struct question {
    struct poller *poller;
    const struct provider *provider;
    char *job;
    char *attempt;
};

static void question_free(struct question *q)
{
    free(q->job);
    free(q->attempt);
    free(q);
}

static void found(struct poller *p, enum poller_metric metric)
{
    metric_add(p->metrics, metric, 1);
}

/* Only an end is worth an entry; a job at work is left alone. */
static void judge_answer(struct question *q, const struct http_answer *answer)
{
    struct poller *p = q->poller;
    const struct profile *profile = q->provider->profile;
    char error[256] = "";
    const struct event_source body = { .body = answer->body,
                                       .body_len = answer->body_len };
    struct event event;

    if (event_parse(&event, &profile->status.payload, &body, error,
                    sizeof error) != 0 ||
        event.kind == EVENT_UNCLEAR || event.kind == EVENT_IGNORED) {
        found(p, CHECKS_FAILED);
        log_warning(LOG_WITH({ "job", q->job }, { "provider", profile->name },
                             { "status", event.word }),
                    "could not understand the provider's answer: %s",
                    *error ? error : "it says neither success nor failure");
    } else if (event.kind == EVENT_PROGRESS) {
        found(p, CHECKS_PENDING);
    } else {
        found(p, CHECKS_ENDED);
        log_info(LOG_WITH({ "job", q->job }, { "provider", profile->name }),
                 "the webhook never came; the provider says %s",
                 event_kind_name(event.kind));
        queue_answer(p->shards, profile->name, q->job, q->attempt, answer->body,
                     answer->body_len);
    }
    event_release(&event);
}

static void on_answer(const struct http_answer *answer, void *arg)
{
    struct question *q = arg;
    struct poller *p = q->poller;
    const char *name = q->provider->profile->name;

    p->asked--;
    metric_set(p->metrics, CHECKS_IN_FLIGHT, p->asked);
    if (answer->failure != HTTP_OK) {
        found(p, CHECKS_FAILED);
        log_warning(LOG_WITH({ "job", q->job }, { "provider", name }),
                    "could not ask the provider: %s", answer->error);
    } else if (answer->status == 404 || answer->status == 410) {
        found(p, CHECKS_LOST);
        log_info(LOG_WITH({ "job", q->job }, { "provider", name }),
                 "the provider does not know the job any more");
        queue_verdict(p->shards, name, q->job, q->attempt, "lost");
    } else if (answer->status != 200) {
        found(p, CHECKS_FAILED);
        log_warning(LOG_WITH({ "job", q->job }, { "provider", name }),
                    "could not ask the provider: HTTP %u", answer->status);
    } else {
        judge_answer(q, answer);
    }
    question_free(q);
}

static void ask(struct poller *p, const struct provider *provider,
                const char *job, const char *attempt, const char *id)
{
    struct question *q = mem_alloc(sizeof *q);
    char *url = provider_url(provider, provider->profile->status.path, id);
    const char *headers[] = { provider->auth_line, NULL };
    struct http_call_options options = {
        .method = "GET",
        .url = url,
        .headers = headers,
        .max_bytes = LIMIT_PROVIDER_ANSWER_BYTES,
        .timeout_ms = ASK_TIMEOUT_MS,
    };

    *q = (struct question){ .poller = p,
                            .provider = provider,
                            .job = mem_strdup(job),
                            .attempt = mem_strdup(attempt) };
    p->asked++;
    metric_set(p->metrics, CHECKS_IN_FLIGHT, p->asked);
    http_client_start(p->http, &options, on_answer, q);
    free(url);
}

static void check(struct poller *p, const struct db_result *r, size_t row)
{
    const char *job = db_value(r, row, JOB_ID);
    const char *attempt = db_value(r, row, ATTEMPT);
    const char *name = db_value(r, row, PROVIDER);
    const char *id = db_value(r, row, PROVIDER_JOB_ID);
    const struct provider *provider = providers_find(p->providers, name);

    if (db_value(r, row, EXPIRED)[0] == 't') {
        metric_add(p->metrics, JOBS_EXPIRED, 1);
        queue_verdict(p->shards, name, job, attempt, "deadline");
    } else if (!provider || !*provider->base_url ||
               !provider->profile->status.path || !id) {
        /* nobody to ask: another attempt is the only way to know */
        found(p, CHECKS_LOST);
        queue_verdict(p->shards, name, job, attempt, "lost");
    } else {
        ask(p, provider, job, attempt, id);
    }
}

static void on_due(const struct db_result *r, void *arg)
{
    struct poller *p = arg;

    if (db_result_status(r) != DB_OK) {
        log_warning(NULL, "could not look for silent jobs: %s",
                    db_result_error(r));
        poller_task_done(p, false);
        return;
    }
    for (size_t i = 0; i < db_rows(r); i++)
        check(p, r, i);
    poller_task_done(p, false);
}

void check_start(struct poller *p)
{
    char stale_after[24], room[24];

    if (p->asked >= ASKED_MAX) {
        poller_task_done(p, false);
        return;
    }
    snprintf(stale_after, sizeof stale_after, "%" PRId64, p->stale_after_ms);
    snprintf(room, sizeof room, "%u", ASKED_MAX - p->asked);
    db_call(p->db, &statement, (const char *const[]){ stale_after, room }, 2,
            on_due, p);
}
