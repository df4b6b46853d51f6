/* Queued jobs whose entry on the submit stream is gone: Redis was wiped, the
 * api died between commit and append, or plain SQL queued them. */
#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"
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
            queue_verdict(p->redis, db_value(r, i, 2), job, attempt,
                          "deadline");
        } else {
            metric_add(p->metrics, JOBS_REQUEUED, 1);
            queue_submit(p->redis, job, attempt);
        }
    }
    poller_task_done(p, db_rows(r) == REQUEUE_MAX);
}

static void on_oldest(int64_t oldest_ms, void *arg)
{
    struct poller *p = arg;
    char oldest[24], max[24];

    if (oldest_ms < 0) { /* who cannot see the stream must not add to it */
        poller_task_done(p, false);
        return;
    }
    snprintf(oldest, sizeof oldest, "%" PRId64, oldest_ms);
    snprintf(max, sizeof max, "%d", REQUEUE_MAX);
    db_call(p->db, &statement, (const char *const[]){ oldest, max }, 2, on_due,
            p);
}

void requeue_start(struct poller *p)
{
    stream_oldest(p->redis, STREAM_SUBMIT, on_oldest, p);
}
