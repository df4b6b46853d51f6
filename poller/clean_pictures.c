/* Jobs and pictures that are due to be forgotten, and pictures that are
 * missing.
 *
 * Files go first, then the rows say so: what dies in between finds the rows
 * again, and no file that is gone is an error. */
#include <inttypes.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/log.h"
#include "poller/cleaner.h"

enum { IDS_MAX_BYTES = 64 * 1024, SAID_MAX = 5 };

#define STEP_TEXT "200"
enum { STEP = 200 };

enum column { JOB_ID, IMAGE_KEY, SIZE_BYTES };

static const struct db_statement jobs_due = {
    "jobs_due_to_go", "select job_id, image_key, size_bytes"
                      " from jobs_due_to_go($1, $2, " STEP_TEXT ")"
};
static const struct db_statement jobs_remove = { "jobs_remove",
                                                 "select jobs_remove($1)" };
static const struct db_statement pictures_due = {
    "pictures_due", "select job_id, image_key, size_bytes"
                    " from pictures_due($1, $2, $3, $4, " STEP_TEXT ")"
};
static const struct db_statement pictures_removed = {
    "pictures_removed", "select pictures_removed($1)"
};
static const struct db_statement pictures_known = {
    "pictures_known", "select job_id, image_key, size_bytes"
                      " from pictures_known($1, " STEP_TEXT ")"
};

/* What a batch of the table holds. */
static void take(struct cleaning *c, const struct db_result *r)
{
    picture_batch_clear(&c->batch);
    for (size_t i = 0; i < db_rows(r); i++) {
        const char *key = db_value(r, i, IMAGE_KEY);

        picture_batch_add(&c->batch, key, db_value(r, i, JOB_ID),
                          key ? db_number(r, i, SIZE_BYTES) : 0);
    }
}

/* A step is over that found what is in the batch.  What went before an error is
 * found again. */
static void finish(struct cleaning *c, int64_t removed, const char *error)
{
    const struct picture_batch *b = &c->batch;
    struct clean_step step = { .removed = removed, .error = error };

    if (!error) {
        step.found = (int64_t)b->count;
        for (size_t i = 0; i < b->count; i++)
            step.bytes += b->items[i].bytes;
        step.place = b->count == STEP ? b->items[STEP - 1].job : NULL;
    }
    cleaner_step(c, &step);
}

static void on_removed(const struct db_result *r, void *arg)
{
    if (!cleaner_failed(arg, r))
        finish(arg, db_number(r, 0, 0), NULL);
}

/* The files are gone; now the rows. */
static void on_files_gone(void *arg)
{
    struct cleaning *c = arg;
    const struct db_statement *statement =
        c->task == &clean_jobs ? &jobs_remove : &pictures_removed;
    struct buf ids;

    if (*c->batch.error) {
        finish(c, 0, c->batch.error);
        return;
    }
    buf_init(&ids, IDS_MAX_BYTES);
    db_array_begin(&ids);
    for (size_t i = 0; i < c->batch.count; i++)
        db_array_add(&ids, c->batch.items[i].job);
    db_array_end(&ids);
    db_call(c->db, statement, (const char *const[]){ ids.data }, 1, on_removed,
            c);
    buf_release(&ids);
}

static void on_due(const struct db_result *r, void *arg)
{
    struct cleaning *c = arg;

    if (cleaner_failed(c, r))
        return;
    take(c, r);
    if (c->dry_run || c->batch.count == 0)
        finish(c, 0, NULL);
    else
        pictures_remove(c->pictures, &c->batch, 0, on_files_gone, c);
}

static void step_jobs(struct cleaning *c)
{
    char days[24];

    snprintf(days, sizeof days, "%" PRId64, c->settings->retain_jobs_days);
    db_call(c->db, &jobs_due,
            (const char *const[]){ days, *c->place ? c->place : NULL }, 2,
            on_due, c);
}

static void step_pictures(struct cleaning *c)
{
    char days[24], max_bytes[24], counted[24];

    snprintf(days, sizeof days, "%" PRId64, c->settings->retain_pictures_days);
    snprintf(max_bytes, sizeof max_bytes, "%" PRId64,
             c->settings->retain_pictures_bytes);
    snprintf(counted, sizeof counted, "%" PRId64, c->dry_run ? c->bytes : 0);
    db_call(c->db, &pictures_due,
            (const char *const[]){ days, max_bytes, *c->place ? c->place : NULL,
                                   counted },
            4, on_due, c);
}

/* Nothing is done about those: whoever asks for them is told. */
static void on_looked(void *arg)
{
    struct cleaning *c = arg;
    struct picture_batch *b = &c->batch;
    struct clean_step step = { .error = *b->error ? b->error : NULL };

    for (size_t i = 0; i < b->count && !step.error; i++) {
        const struct picture *item = &b->items[i];

        if (!item->hit)
            continue;
        if (step.found++ < SAID_MAX)
            log_warning(LOG_WITH({ "job", item->job }),
                        "its picture \"%s\" is not in the storage", item->key);
        step.bytes += item->bytes;
    }
    if (b->count == STEP && !step.error)
        step.place = b->items[STEP - 1].job;
    cleaner_step(c, &step);
}

static void on_known(const struct db_result *r, void *arg)
{
    struct cleaning *c = arg;

    if (cleaner_failed(c, r))
        return;
    take(c, r);
    pictures_look(c->pictures, &c->batch, on_looked, c);
}

static void step_missing(struct cleaning *c)
{
    db_call(c->db, &pictures_known,
            (const char *const[]){ *c->place ? c->place : NULL }, 1, on_known,
            c);
}

const struct clean_task clean_jobs = { "jobs", step_jobs };
const struct clean_task clean_pictures = { "pictures", step_pictures };
const struct clean_task clean_missing = { "missing", step_missing };
