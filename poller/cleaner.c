#include "poller/cleaner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/token.h"
#include "poller/poller_metrics.h"

enum { LOOK_MS = 1000, STEP_MS = 5 };

enum lease_column { ID, TASK, DRY_RUN, PLACE, BYTES };

static const struct db_statement lease_statement = {
    "cleaning_lease",
    "select id, task, dry_run, place, bytes from cleaning_lease($1)"
};
static const struct db_statement step_statement = {
    "cleaning_step", "select cleaning_step($1, $2, $3, $4, $5, $6, $7, $8)"
};

struct cleaner {
    struct loop_timer *timer; /* next look, or next step */
    struct metrics *metrics;
    struct cleaning run; /* task: NULL between runs */
    char holder[17];
    int64_t found, removed;
    bool over; /* the last step of the run */
};

static const struct clean_task *const tasks[] = {
    &clean_partitions, &clean_deliveries,   &clean_jobs,      &clean_pictures,
    &clean_missing,    &clean_dead_letters, &clean_callbacks, &clean_consumers,
    &clean_orphans,    &clean_temporary,
};

static const struct clean_task *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
        if (strcmp(tasks[i]->name, name) == 0)
            return tasks[i];
    }
    return NULL;
}

static void rest(struct cleaner *c, int64_t for_ms)
{
    c->run.task = NULL;
    picture_batch_clear(&c->run.batch);
    loop_timer_start(c->timer, for_ms);
}

static void on_leased(const struct db_result *r, void *arg)
{
    struct cleaner *c = arg;
    struct cleaning *run = &c->run;
    const char *place;

    if (db_result_status(r) == DB_REFUSED ||
        db_result_status(r) == DB_TRANSIENT)
        log_warning(NULL, "could not look for what is to be cleaned: %s",
                    db_result_error(r));
    if (db_result_status(r) != DB_OK || db_rows(r) == 0 ||
        !find(db_value(r, 0, TASK))) {
        rest(c, LOOK_MS);
        return;
    }
    place = db_value(r, 0, PLACE);
    run->task = find(db_value(r, 0, TASK));
    snprintf(run->id, sizeof run->id, "%s", db_value(r, 0, ID));
    snprintf(run->place, sizeof run->place, "%s", place ? place : "");
    run->dry_run = db_value(r, 0, DRY_RUN)[0] == 't';
    run->bytes = db_number(r, 0, BYTES);
    c->found = c->removed = 0;
    run->task->step(run);
}

static void go_on(void *arg)
{
    struct cleaner *c = arg;

    if (c->run.task)
        c->run.task->step(&c->run);
    else if (!db_is_up(c->run.db))
        loop_timer_start(c->timer, LOOK_MS);
    else
        db_call(c->run.db, &lease_statement, (const char *const[]){ c->holder },
                1, on_leased, c);
}

static void on_told(const struct db_result *r, void *arg)
{
    struct cleaner *c = arg;
    char removed[24];

    /* no row: another poller has taken it over */
    if (db_result_status(r) != DB_OK || db_rows(r) == 0 || !db_value(r, 0, 0)) {
        rest(c, LOOK_MS);
        return;
    }
    if (!c->over) {
        loop_timer_start(c->timer, STEP_MS);
        return;
    }
    snprintf(removed, sizeof removed, "%" PRId64, c->removed);
    if (c->removed > 0)
        log_info(
            LOG_WITH({ "task", c->run.task->name }, { "removed", removed }),
            "cleaned up");
    rest(c, 0);
}

void cleaner_step(struct cleaning *run, const struct clean_step *step)
{
    struct cleaner *c = run->cleaner;
    char found[24], removed[24], bytes[24];
    bool over = step->error || !step->place;

    snprintf(found, sizeof found, "%" PRId64, step->found);
    snprintf(removed, sizeof removed, "%" PRId64, step->removed);
    snprintf(bytes, sizeof bytes, "%" PRId64, step->bytes);
    if (step->error)
        log_warning(LOG_WITH({ "task", run->task->name }),
                    "could not clean up: %s", step->error);
    if (step->place)
        snprintf(run->place, sizeof run->place, "%s", step->place);
    run->bytes += step->bytes;
    c->found += step->found;
    c->removed += step->removed;
    c->over = over;
    metric_add(c->metrics, THINGS_REMOVED, step->removed);
    db_call(run->db, &step_statement,
            (const char *const[]){ run->id, c->holder, found, removed, bytes,
                                   step->place, over ? "true" : "false",
                                   step->error },
            8, on_told, c);
}

bool cleaner_failed(struct cleaning *run, const struct db_result *r)
{
    if (db_result_status(r) == DB_OK)
        return false;
    if (db_result_status(r) == DB_LOST) /* the lease ends by itself */
        rest(run->cleaner, LOOK_MS);
    else
        cleaner_step(run, &(struct clean_step){ .error = db_result_error(r) });
    return true;
}

struct cleaner *cleaner_new(struct loop *loop, struct db *db,
                            struct shards *shards, struct http_client *http,
                            struct metrics *metrics,
                            const struct poller_settings *settings)
{
    struct cleaner *c = mem_zalloc(sizeof *c);

    c->metrics = metrics;
    c->run = (struct cleaning){
        .cleaner = c, .db = db, .shards = shards, .settings = settings
    };
    c->run.pictures = pictures_new(http, settings->storage, &settings->s3);
    random_hex(8, c->holder);
    c->timer = loop_timer_new(loop, go_on, c);
    loop_timer_start(c->timer, LOOK_MS);
    return c;
}

void cleaner_free(struct cleaner *c)
{
    if (!c)
        return;
    picture_batch_clear(&c->run.batch);
    pictures_free(c->run.pictures);
    loop_timer_free(c->timer);
    free(c);
}
