/* Queued jobs whose entry on the submit stream is gone: Redis was wiped, the
 * api died between commit and append, or plain SQL queued them. */
#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"
#include "poller/poller.h"
#include "poller/poller_metrics.h"
#include "poller/queue.h"

enum { REQUEUE_MAX = 500 };

static const struct db_statement statement = {
    "requeue_due", "select job_id, attempt from requeue_due($1, $2)"
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
    for (size_t i = 0; i < db_rows(r); i++)
        queue_submit(p->shards, db_value(r, i, 0), db_value(r, i, 1));
    metric_add(p->metrics, JOBS_REQUEUED, (int64_t)db_rows(r));
    poller_task_done(p, db_rows(r) == REQUEUE_MAX);
}

void requeue_start(struct poller *p, const struct survey *seen)
{
    char oldest[24], max[24];

    if (seen->oldest_submit_ms < 0) {
        /* who cannot see the streams must not add to them */
        poller_task_done(p, false);
        return;
    }
    snprintf(oldest, sizeof oldest, "%" PRId64, seen->oldest_submit_ms);
    snprintf(max, sizeof max, "%d", REQUEUE_MAX);
    db_call(p->db, &statement, (const char *const[]){ oldest, max }, 2, on_due,
            p);
}
