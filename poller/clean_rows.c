/* Tasks that need nothing but the database: clean_rows() in sql/ does them. */
#include <inttypes.h>
#include <stdio.h>

#include "poller/cleaner.h"

enum column { FOUND, REMOVED, NEXT_PLACE };

static const struct db_statement statement = {
    "clean_rows",
    "select hits, removed, next_place from clean_rows($1, $2, $3, $4)"
};

static void on_cleaned(const struct db_result *r, void *arg)
{
    struct cleaning *c = arg;

    if (cleaner_failed(c, r))
        return;
    cleaner_step(c,
                 &(struct clean_step){ .found = db_number(r, 0, FOUND),
                                       .removed = db_number(r, 0, REMOVED),
                                       .place = db_value(r, 0, NEXT_PLACE) });
}

static void clean(struct cleaning *c, int64_t days)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, days);
    db_call(c->db, &statement,
            (const char *const[]){ c->task->name, c->dry_run ? "true" : "false",
                                   text, *c->place ? c->place : NULL },
            4, on_cleaned, c);
}

static void step_partitions(struct cleaning *c)
{
    clean(c, 0);
}

static void step_deliveries(struct cleaning *c)
{
    clean(c, c->settings->retain_deliveries_days);
}

static void step_dead_letters(struct cleaning *c)
{
    clean(c, c->settings->retain_dead_letters_days);
}

static void step_callbacks(struct cleaning *c)
{
    clean(c, c->settings->retain_callbacks_days);
}

const struct clean_task clean_partitions = { "partitions", step_partitions };
const struct clean_task clean_deliveries = { "deliveries", step_deliveries };
const struct clean_task clean_dead_letters = { "dead_letters",
                                               step_dead_letters };
const struct clean_task clean_callbacks = { "callbacks", step_callbacks };
