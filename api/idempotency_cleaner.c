#include "api/idempotency_cleaner.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/mem.h"

enum { PERIOD_MS = 10 * 60 * 1000, AT_ONCE = 10000 };

struct idempotency_cleaner {
    struct db *db;
    struct loop_timer *timer;
};

static const struct db_statement forget_statement = {
    "api_forget_keys",
    "select forget_idempotency_keys(10000)",
};

static void on_forgotten(const struct db_result *result, void *arg)
{
    struct idempotency_cleaner *c = arg;

    if (db_result_status(result) == DB_OK &&
        db_number(result, 0, 0) == AT_ONCE) {
        loop_timer_start(c->timer, 0);
        return;
    }
    if (db_result_status(result) != DB_OK)
        log_warning(NULL, "could not forget old idempotency keys: %s",
                    db_result_error(result));
    loop_timer_start(c->timer, PERIOD_MS);
}

static void on_time(void *arg)
{
    struct idempotency_cleaner *c = arg;

    db_call(c->db, &forget_statement, NULL, 0, on_forgotten, c);
}

struct idempotency_cleaner *idempotency_cleaner_new(struct loop *loop,
                                                    struct db *db)
{
    struct idempotency_cleaner *c = mem_zalloc(sizeof *c);

    *c = (struct idempotency_cleaner){ .db = db,
                                       .timer =
                                           loop_timer_new(loop, on_time, c) };
    loop_timer_start(c->timer, 0);
    return c;
}

void idempotency_cleaner_free(struct idempotency_cleaner *c)
{
    if (!c)
        return;
    loop_timer_free(c->timer);
    free(c);
}
