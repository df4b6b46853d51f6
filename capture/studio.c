#include "capture/studio.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture_metrics.h"
#include "capture/job_report.h"
#include "capture/json_put.h"
#include "capture/shot.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    EXPIRE_MS = 60 * 1000,
    /* Chromium has failed to start so often in a row that waiting for it makes
     * no sense: what is queued fails, until it does start. */
    HOPELESS_STARTS = 4,
    PROGRESS_STARTED = 10,
    PROGRESS_LOADED = 60,
};

/* A job that is being captured. */
struct session {
    struct session *next;
    struct studio *studio;
    struct job *job;
    struct shot *shot;
};

struct studio {
    struct loop *loop;
    struct studio_options options;
    struct browser *browser;
    struct jobs *jobs;
    struct session *sessions;
    unsigned session_count;
    unsigned starts_counted;
    bool closing;
    struct loop_timer *expire;
    /* Whatever may start shots or fail jobs happens here, from the loop, so
     * that no callback runs inside another's call. */
    struct loop_timer *turn;
};

static void take_turn(struct studio *s)
{
    loop_timer_start(s->turn, 0);
}

char *studio_picture_url(const struct studio *s, const struct job *job)
{
    return mem_format("%s/images/%s.%s", s->options.public_url, job->id,
                      image_extension(job->image.type));
}

static void send_webhook(struct studio *s, enum webhook_kind kind,
                         const char *url, const struct job *job,
                         struct json_object *body)
{
    size_t len = 0;
    const char *text = json_compact(body, &len);

    webhooks_send(s->options.webhooks, kind, url, job->id, text, len);
    json_object_put(body);
}

static void report_progress(struct studio *s, const struct job *job,
                            int percent)
{
    if (job->options.webhook_url && !job->reply)
        send_webhook(s, WEBHOOK_PROGRESS, job->options.webhook_url, job,
                     job_progress(job, percent));
}

/* Keeps the picture; a full disk makes a failure of it. */
static void keep_picture(struct studio *s, const struct job *job,
                         struct shot_result *result)
{
    if (result->fault.failure != FAILURE_NONE ||
        pictures_store(s->options.pictures, job->id, result->image.type,
                       result->ptr, result->len) == 0)
        return;
    log_error(LOG_WITH({ "job", job->id }), "could not store picture: %s",
              strerror(errno));
    fault_set(&result->fault, FAILURE_CAPTURE,
              "could not store the picture: %s", strerror(errno));
}

static void finish_async(struct studio *s, struct job *job,
                         struct shot_result *result)
{
    char *webhook_url = job->options.webhook_url;
    char *picture_url = NULL;

    job->options.webhook_url = NULL;
    keep_picture(s, job, result);
    job_finish(s->jobs, job, result);
    if (webhook_url) {
        picture_url = studio_picture_url(s, job);
        send_webhook(s, WEBHOOK_RESULT, webhook_url, job,
                     job_event(job, picture_url));
    }
    free(picture_url);
    free(webhook_url);
}

/* Every job ends here. */
static void finish(struct studio *s, struct job *job,
                   const struct shot_result *shot_result)
{
    struct shot_result result = *shot_result;
    int64_t elapsed_us =
        job->started_us > 0 ? clock_monotonic_us() - job->started_us : 0;

    if (job->reply) {
        job->reply(&result, elapsed_us, job->reply_arg);
        job_finish(s->jobs, job, &result);
    } else {
        finish_async(s, job, &result);
    }
    metric_add(s->options.metrics, CAPTURES + result.fault.failure, 1);
    metric_observe_us(s->options.metrics, CAPTURE_SECONDS, elapsed_us);
    if (result.fault.failure == FAILURE_NONE)
        metric_add(s->options.metrics, CAPTURE_BYTES, (int64_t)result.len);
    else
        log_info(LOG_WITH({ "job", job->id },
                          { "code", failure_code(result.fault.failure) }),
                 "capture failed: %s", result.fault.message);
    if (job->reply) /* nobody can ask for it: the id was never told */
        jobs_drop(s->jobs, job);
}

static void on_loaded(void *arg)
{
    const struct session *session = arg;

    report_progress(session->studio, session->job, PROGRESS_LOADED);
}

static void on_done(const struct shot_result *result, void *arg)
{
    struct session *session = arg;
    struct studio *s = session->studio;
    struct session **place = &s->sessions;

    finish(s, session->job, result);
    while (*place != session)
        place = &(*place)->next;
    *place = session->next;
    s->session_count--;
    shot_free(session->shot);
    free(session);
    take_turn(s);
}

/* False when there is no tab for it. */
static bool start_shot(struct studio *s)
{
    struct session *session = mem_zalloc(sizeof *session);
    const struct shot_owner owner = { on_loaded, on_done, session };
    struct job *job = jobs_first(s->jobs, JOB_QUEUED);

    session->studio = s;
    session->job = job;
    session->shot = shot_start(s->loop, s->browser, s->options.proxy,
                               &job->options, &owner);
    if (!session->shot) {
        free(session);
        return false;
    }
    jobs_start_next(s->jobs);
    session->next = s->sessions;
    s->sessions = session;
    s->session_count++;
    report_progress(s, job, PROGRESS_STARTED);
    return true;
}

static void fail_queued(struct studio *s, const char *why)
{
    struct shot_result result = { .ptr = NULL };
    struct job *job = NULL;

    fault_set(&result.fault, FAILURE_CAPTURE, "%s", why);
    while ((job = jobs_first(s->jobs, JOB_QUEUED)))
        finish(s, job, &result);
}

static void count(struct studio *s)
{
    struct metrics *m = s->options.metrics;
    unsigned starts = browser_starts(s->browser);

    metric_set(m, QUEUE_LENGTH, (int64_t)jobs_count(s->jobs, JOB_QUEUED));
    metric_set(m, PAGES_OPEN, s->session_count);
    metric_set(m, BROWSER_UP_GAUGE, browser_is_up(s->browser));
    metric_add(m, BROWSER_STARTS, starts - s->starts_counted);
    s->starts_counted = starts;
}

static void on_turn(void *arg)
{
    struct studio *s = arg;

    if (s->closing)
        fail_queued(s, "the service is being stopped");
    else if (browser_failed_starts(s->browser) >= HOPELESS_STARTS)
        fail_queued(s, browser_last_end(s->browser));
    while (jobs_count(s->jobs, JOB_QUEUED) > 0 &&
           s->session_count < s->options.concurrency && start_shot(s))
        ;
    count(s);
}

static void on_browser_changed(void *arg)
{
    take_turn(arg);
}

static void on_expire(void *arg)
{
    struct studio *s = arg;

    jobs_expire(s->jobs, clock_wall_ms());
    loop_timer_start(s->expire, EXPIRE_MS);
}

static void on_expired(const struct job *job, void *arg)
{
    struct studio *s = arg;

    pictures_remove(s->options.pictures, job->id, job->image.type);
}

static void on_found(const char *id, const struct image *image, size_t len,
                     int64_t written_ms, void *arg)
{
    struct studio *s = arg;

    jobs_restore(s->jobs, id, image, len, written_ms);
}

struct studio *studio_new(struct loop *loop,
                          const struct studio_options *options)
{
    struct studio *s = mem_zalloc(sizeof *s);

    s->loop = loop;
    s->options = *options;
    s->options.browser.changed = on_browser_changed;
    s->options.browser.arg = s;
    s->jobs = jobs_new(on_expired, s);
    s->turn = loop_timer_new(loop, on_turn, s);
    s->expire = loop_timer_new(loop, on_expire, s);
    pictures_list(s->options.pictures, on_found, s);
    on_expire(s);
    s->browser = browser_new(loop, &s->options.browser);
    return s;
}

void studio_free(struct studio *s)
{
    if (!s)
        return;
    while (s->sessions) {
        struct session *session = s->sessions;

        s->sessions = session->next;
        shot_free(session->shot);
        free(session);
    }
    browser_free(s->browser);
    loop_timer_free(s->turn);
    loop_timer_free(s->expire);
    jobs_free(s->jobs);
    free(s);
}

/* How long the queue will need, as far as one can know. */
static unsigned wait_s(const struct studio *s)
{
    size_t rounds = jobs_count(s->jobs, JOB_QUEUED) / s->options.concurrency;

    return rounds < 1 ? 1 : rounds > 60 ? 60 : (unsigned)rounds;
}

struct job *studio_submit(struct studio *s, struct shot_options *options,
                          job_reply_fn *reply, void *arg,
                          unsigned *retry_after_s)
{
    /* Those that will not have to wait do not count. */
    size_t room =
        s->options.queue_max + s->options.concurrency - s->session_count;
    struct job *job = NULL;

    if (s->closing || jobs_count(s->jobs, JOB_QUEUED) >= room) {
        *retry_after_s = wait_s(s);
        metric_add(s->options.metrics, CAPTURES + FAILURE_RATE_LIMITED, 1);
        return NULL;
    }
    job = jobs_add(s->jobs, options);
    job->reply = reply;
    job->reply_arg = arg;
    take_turn(s);
    return job;
}

struct job *studio_find(const struct studio *s, const char *id)
{
    struct job *job = jobs_find(s->jobs, id);

    return job && !job->reply ? job : NULL;
}

int studio_picture(const struct studio *s, const struct job *job, size_t *len)
{
    return pictures_read(s->options.pictures, job->id, job->image.type, len);
}

void studio_close(struct studio *s)
{
    s->closing = true;
    take_turn(s);
}

bool studio_is_idle(const struct studio *s)
{
    return s->session_count == 0 && jobs_count(s->jobs, JOB_QUEUED) == 0 &&
           webhooks_under_way(s->options.webhooks) == 0;
}

const char *studio_trouble(const struct studio *s)
{
    if (s->closing)
        return "the service is being stopped";
    if (browser_is_up(s->browser))
        return NULL;
    return *browser_last_end(s->browser) ? browser_last_end(s->browser)
                                         : "Chromium is starting";
}
