/* Callbacks that are due, for the first time or again, go to the workers. */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/streams.h"
#include "poller/poller.h"
#include "poller/poller_metrics.h"
#include "poller/queue.h"

enum { CALLBACKS_MAX = 500 };

static const struct db_statement statement = {
    "callbacks_due", "select callback_id, attempts from callbacks_due($1)"
};

static void on_due(const struct db_result *r, void *arg)
{
    struct poller *p = arg;

    if (db_result_status(r) != DB_OK) {
        log_warning(NULL, "could not look for callbacks: %s",
                    db_result_error(r));
        poller_task_done(p, false);
        return;
    }
    for (size_t i = 0; i < db_rows(r); i++)
        queue_add(p->shards, STREAM_CALLBACK,
                  (struct stream_field[]){
                      STREAM_FIELD_TEXT("callback", db_value(r, i, 0)),
                      STREAM_FIELD_TEXT("attempt", db_value(r, i, 1)) },
                  2);
    metric_add(p->metrics, CALLBACKS_QUEUED, (int64_t)db_rows(r));
    poller_task_done(p, db_rows(r) == CALLBACKS_MAX);
}

void callbacks_start(struct poller *p)
{
    char max[24];

    snprintf(max, sizeof max, "%d", CALLBACKS_MAX);
    db_call(p->db, &statement, (const char *const[]){ max }, 1, on_due, p);
}
