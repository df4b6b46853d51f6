#include "poller/poller.h"

#include "common/log.h"
#include "poller/poller_metrics.h"

enum { ROUND_MS = 1000 };

static void round_start(void *arg)
{
    struct poller *p = arg;

    metric_set(p->metrics, REDIS_UP, (int64_t)shards_up(p->shards));
    metric_set(p->metrics, DATABASE_UP, db_is_up(p->db));
    /* nothing is leased that could not be passed on */
    if (p->busy > 0 || shards_up(p->shards) == 0 || !db_is_up(p->db)) {
        loop_timer_start(p->round, ROUND_MS);
        return;
    }
    p->busy = 4;
    p->again = false;
    requeue_start(p);
    check_start(p);
    feed_start(p);
    callbacks_start(p);
}

void poller_task_done(struct poller *p, bool full)
{
    p->again = p->again || full;
    if (--p->busy == 0 && p->round)
        loop_timer_start(p->round, p->again ? 0 : ROUND_MS);
}

/* Somebody queued a job from SQL. */
static void on_notify(void *arg)
{
    struct poller *p = arg;

    p->again = true;
    if (p->busy == 0 && p->round)
        loop_timer_start(p->round, 0);
}

void poller_start(struct poller *p)
{
    p->round = loop_timer_new(p->loop, round_start, p);
    db_listen(p->db, "shotfleet_submit", on_notify, p);
    loop_timer_start(p->round, 0);
}

void poller_stop(struct poller *p)
{
    loop_timer_free(p->round);
    p->round = NULL;
}
