#include "poller/poller.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"
#include "poller/audit.h"
#include "poller/check.h"
#include "poller/poller_metrics.h"

enum {
    /* Until the next look whether the servers are there. */
    AWAY_MS = 1000,
    /* While so many entries wait, the poller adds none: a job that is silent
     * may have its webhook among them. */
    BACKLOG_MAX = 10000,
};

static void end_round(struct poller *p)
{
    if (p->round)
        loop_timer_start(p->round, p->again ? 0 : p->interval_ms);
    p->again = false;
}

static void hold_back(struct poller *p, bool held_back, int64_t webhooks)
{
    char waiting[24];

    snprintf(waiting, sizeof waiting, "%" PRId64, webhooks);
    if (held_back != p->held_back)
        log_info(LOG_WITH({ "waiting", waiting }),
                 held_back ? "the workers are behind; asking nobody meanwhile"
                           : "the workers have caught up");
    p->held_back = held_back;
    metric_set(p->metrics, HELD_BACK, held_back);
}

static void on_survey(const struct survey *seen, void *arg)
{
    struct poller *p = arg;

    if (!p->round)
        return;
    hold_back(p, seen->webhooks >= BACKLOG_MAX, seen->webhooks);
    repair_round(p);
    p->busy = 4;
    requeue_start(p, seen);
    if (p->held_back) {
        p->busy -= 2;
    } else {
        check_round(p->check);
        deadlines_start(p);
        feed_start(p);
    }
    if (seen->callbacks >= BACKLOG_MAX)
        poller_task_done(p, false);
    else
        callbacks_start(p);
}

static void round_start(void *arg)
{
    struct poller *p = arg;

    metric_set(p->metrics, REDIS_UP, (int64_t)shards_up(p->shards));
    metric_set(p->metrics, DATABASE_UP, db_is_up(p->db));
    /* nothing is leased that could not be passed on */
    if (shards_up(p->shards) == 0 || !db_is_up(p->db)) {
        loop_timer_start(p->round, AWAY_MS);
        return;
    }
    p->again = false;
    survey_start(p->shards, on_survey, p);
}

void poller_task_done(struct poller *p, bool full)
{
    p->again = p->again || full;
    if (--p->busy == 0)
        end_round(p);
}

/* Somebody queued a job from SQL. */
static void on_notify(void *arg)
{
    struct poller *p = arg;

    p->again = true;
    if (p->round && loop_timer_running(p->round))
        loop_timer_start(p->round, 0);
}

void poller_start(struct poller *p)
{
    p->check = check_new(p);
    p->audit = audit_new(p);
    p->round = loop_timer_new(p->loop, round_start, p);
    db_listen(p->db, "shotfleet_submit", on_notify, p);
    loop_timer_start(p->round, 0);
}

void poller_stop(struct poller *p)
{
    loop_timer_free(p->round);
    p->round = NULL;
    audit_stop(p->audit);
}

void poller_release(struct poller *p)
{
    check_free(p->check);
    audit_free(p->audit);
}
