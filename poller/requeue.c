/* Queued jobs whose entry on the submit stream is gone: Redis was wiped, the
 * api died between commit and append, or plain SQL queued them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/streams.h"
#include "poller/poller.h"
#include "poller/poller_metrics.h"
#include "poller/queue.h"

enum { REQUEUE_MAX = 500 };

static const struct db_statement statement = {
    "requeue_due",
    "select job_id, attempt, provider, expired from requeue_due($1, $2)"
};

static void on_due(const struct db_result *r, void *arg)
{
    struct poller *p = arg;

    if (db_result_status(r) != DB_OK) {
        log_warning(NULL, "could not look for queued jobs: %s",
                    db_result_error(r));
        poller_task_done(p, false);
        return;
    }
    for (size_t i = 0; i < db_rows(r); i++) {
        const char *job = db_value(r, i, 0);
        const char *attempt = db_value(r, i, 1);

        if (db_value(r, i, 3)[0] == 't') {
            metric_add(p->metrics, JOBS_EXPIRED, 1);
            queue_verdict(p->shards, db_value(r, i, 2), job, attempt,
                          "deadline");
        } else {
            metric_add(p->metrics, JOBS_REQUEUED, 1);
            queue_submit(p->shards, job, attempt);
        }
    }
    poller_task_done(p, db_rows(r) == REQUEUE_MAX);
}

/* The oldest entry of all servers; one that is down tells nothing, and what
 * lies there may be appended again elsewhere, which changes nothing when it is
 * back. */
struct oldest {
    struct poller *poller;
    size_t waiting;
    bool known;
    int64_t oldest_ms;
};

static void ask(struct poller *p, int64_t oldest_ms)
{
    char oldest[24], max[24];

    snprintf(oldest, sizeof oldest, "%" PRId64, oldest_ms);
    snprintf(max, sizeof max, "%d", REQUEUE_MAX);
    db_call(p->db, &statement, (const char *const[]){ oldest, max }, 2, on_due,
            p);
}

static void on_oldest(int64_t oldest_ms, void *arg)
{
    struct oldest *o = arg;

    if (oldest_ms >= 0) {
        o->known = true;
        if (oldest_ms < o->oldest_ms)
            o->oldest_ms = oldest_ms;
    }
    if (--o->waiting > 0)
        return;
    if (o->known)
        ask(o->poller, o->oldest_ms);
    else /* who cannot see the streams must not add to them */
        poller_task_done(o->poller, false);
    free(o);
}

void requeue_start(struct poller *p)
{
    struct oldest *o = mem_zalloc(sizeof *o);

    /* one more than asked, so that it is not over while asking */
    *o = (struct oldest){ .poller = p, .waiting = 1, .oldest_ms = INT64_MAX };
    for (size_t i = 0; i < shards_count(p->shards); i++) {
        o->waiting++;
        stream_oldest(shards_at(p->shards, i), STREAM_SUBMIT, on_oldest, o);
    }
    on_oldest(-1, o);
}
