#include "poller/scorecard.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/mem.h"
#include "poller/poller_metrics.h"

enum { STEP_MS = 5000 };

static const struct db_statement statement = { "scorecard_step",
                                               "select scorecard_step()" };

struct scorecard {
    struct loop_timer *timer;
    struct db *db;
    struct metrics *metrics;
};

static void on_step(const struct db_result *r, void *arg)
{
    struct scorecard *s = arg;
    bool summed = db_result_status(r) == DB_OK && db_value(r, 0, 0);

    if (db_result_status(r) != DB_OK && db_result_status(r) != DB_LOST)
        log_warning(NULL, "could not sum up the providers' day: %s",
                    db_result_error(r));
    metric_add(s->metrics, DAYS_SUMMED, summed);
    /* after an upgrade there may be many days to go through */
    loop_timer_start(s->timer, summed ? STEP_MS / 10 : STEP_MS);
}

static void step(void *arg)
{
    struct scorecard *s = arg;

    if (!db_is_up(s->db)) {
        loop_timer_start(s->timer, STEP_MS);
        return;
    }
    db_call(s->db, &statement, NULL, 0, on_step, s);
}

struct scorecard *scorecard_new(struct loop *loop, struct db *db,
                                struct metrics *metrics)
{
    struct scorecard *s = mem_zalloc(sizeof *s);

    *s = (struct scorecard){ .db = db, .metrics = metrics };
    s->timer = loop_timer_new(loop, step, s);
    loop_timer_start(s->timer, STEP_MS / 10);
    return s;
}

void scorecard_free(struct scorecard *s)
{
    if (!s)
        return;
    loop_timer_free(s->timer);
    free(s);
}
