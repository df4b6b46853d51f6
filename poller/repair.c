/* Plans that a clock which was set back has left in the future: seen while it
 * happens they move back with it (watch_clock() in sql/); else those that are
 * impossible are due now. */
#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"
#include "poller/poller.h"

enum { REPAIR_EVERY_MS = 60 * 1000 };

static const struct db_statement watch = { "watch_clock",
                                           "select watch_clock()" };
static const struct db_statement statement = { "repair_plans",
                                               "select repair_plans($1)" };

static void on_watched(const struct db_result *r, void *arg)
{
    (void)arg;
    if (db_result_status(r) != DB_OK)
        log_warning(NULL, "could not look at the database's clock: %s",
                    db_result_error(r));
    else if (db_value(r, 0, 0))
        log_warning(LOG_WITH({ "by_ms", db_value(r, 0, 0) }),
                    "the database's clock was set back; what was planned has "
                    "moved back with it");
}

static void on_repaired(const struct db_result *r, void *arg)
{
    (void)arg;
    if (db_result_status(r) != DB_OK)
        log_warning(NULL, "could not look for plans in a far future: %s",
                    db_result_error(r));
    else if (db_number(r, 0, 0) > 0)
        log_warning(LOG_WITH({ "plans", db_value(r, 0, 0) }),
                    "plans were further ahead than any is made: the "
                    "database's clock was set back; they are due now");
}

void repair_round(struct poller *p)
{
    int64_t now_ms = clock_monotonic_ms();
    char stale_after[24];

    db_call(p->db, &watch, NULL, 0, on_watched, p);
    if (p->repaired_ms != 0 && now_ms - p->repaired_ms < REPAIR_EVERY_MS)
        return;
    p->repaired_ms = now_ms;
    snprintf(stale_after, sizeof stale_after, "%" PRId64, p->stale_after_ms);
    db_call(p->db, &statement, (const char *const[]){ stale_after }, 1,
            on_repaired, p);
}
