/* Jobs beyond their deadline: the workers are told to end them. */
#include <stdio.h>

#include "common/log.h"
#include "poller/poller.h"
#include "poller/poller_metrics.h"
#include "poller/queue.h"

enum { DEADLINES_MAX = 500 };

static const struct db_statement statement = {
    "end_due", "select job_id, attempt, provider from end_due($1)"
};

static void on_due(const struct db_result *r, void *arg)
{
    struct poller *p = arg;

    if (db_result_status(r) != DB_OK) {
        log_warning(NULL, "could not look for jobs beyond their deadline: %s",
                    db_result_error(r));
        poller_task_done(p, false);
        return;
    }
    for (size_t i = 0; i < db_rows(r); i++)
        queue_verdict(p->shards, db_value(r, i, 2), db_value(r, i, 0),
                      db_value(r, i, 1), "deadline");
    metric_add(p->metrics, JOBS_EXPIRED, (int64_t)db_rows(r));
    poller_task_done(p, db_rows(r) == DEADLINES_MAX);
}

void deadlines_start(struct poller *p)
{
    char max[24];

    snprintf(max, sizeof max, "%d", DEADLINES_MAX);
    db_call(p->db, &statement, (const char *const[]){ max }, 1, on_due, p);
}
