/* poller.h - rounds of looking for what is due: jobs that nobody speaks of any
 * more, dead letters, callbacks.
 *
 * Each task leases a few due rows from PostgreSQL by moving their due time away
 * (for update skip locked, sql/0003_queue.sql), so any number of pollers can
 * run, and what one of them drops is due again later.  Whatever a task finds
 * out goes down the same streams as everything else; the poller records no
 * result.
 */
#ifndef POLLER_H
#define POLLER_H

#include "common/db.h"
#include "common/http_client.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/provider.h"
#include "common/shards.h"
#include "poller/survey.h"

struct audit; /* audit.h */
struct check; /* check.h */

struct poller {
    struct loop *loop;
    struct db *db;
    struct shards *shards;
    struct http_client *http;
    const struct providers *providers;
    struct metrics *metrics;
    int64_t interval_ms; /* between rounds that find nothing more to do */
    int64_t stale_after_ms;
    struct loop_timer *round; /* NULL: stopped */
    struct check *check;
    struct audit *audit;
    unsigned busy;  /* tasks of this round that are not over */
    bool again;     /* a task found as much as it may take: go on at once */
    bool held_back; /* the workers are behind: nothing more for them now */
    int64_t repaired_ms;   /* last look for impossible plans, monotonic */
    int64_t complained_ms; /* about a provider's answer, monotonic */
    unsigned unsaid;       /* complaints since */
};

/* `p` has all but its round set up.  Rounds go on until poller_stop(). */
void poller_start(struct poller *p);
void poller_stop(struct poller *p);
/* When its connections are gone. */
void poller_release(struct poller *p);

/* For the tasks: one has ended; `full` when there may be more. */
void poller_task_done(struct poller *p, bool full);

/* Every round. */
void repair_round(struct poller *p); /* repair.c */

/* The tasks of a round.  Each calls poller_task_done() once. */
void requeue_start(struct poller *p, const struct survey *seen); /* requeue.c */
void deadlines_start(struct poller *p); /* deadlines.c */
void feed_start(struct poller *p);      /* feed.c */
void callbacks_start(struct poller *p); /* callbacks.c */

#endif
