/* Jobs and pictures that are due to be forgotten, and pictures that are
 * missing.
 *
 * The file goes first, then the row says so: what dies in between finds the row
 * again, and no file that is gone is an error. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/thumbnail_key.h"
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

/* What was found, while the files and then the rows go. */
struct found {
    struct clean_step step;
    char place[CLEAN_PLACE_SIZE];
};

/* Only what a worker may have stored. */
static bool is_key(const char *key)
{
    return strncmp(key, "screenshots/", 12) == 0 && !strstr(key, "..");
}

/* There is none unless somebody looked. */
static void remove_thumbnail(const struct cleaning *c, const char *picture_key)
{
    char key[THUMBNAIL_KEY_SIZE];

    if (thumbnail_key(picture_key, key) && unlinkat(c->root_fd, key, 0) != 0 &&
        errno != ENOENT)
        log_warning(NULL, "could not remove \"%s\": %s", key, strerror(errno));
}

static const char *remove_file(const struct cleaning *c, const char *key,
                               char *error, size_t size)
{
    if (c->root_fd < 0) {
        snprintf(error, size,
                 "SHOTFLEET_STORAGE is no folder that this poller has; "
                 "pictures in S3 are removed by a lifecycle rule");
        return error;
    }
    if (!is_key(key) ||
        (unlinkat(c->root_fd, key, 0) != 0 && errno != ENOENT)) {
        snprintf(error, size, "could not remove \"%.100s\": %s", key,
                 is_key(key) ? strerror(errno) : "not a picture's key");
        return error;
    }
    remove_thumbnail(c, key);
    return NULL;
}

static void finish(struct cleaning *c)
{
    struct found *f = c->rows;

    c->rows = NULL;
    cleaner_step(c, &f->step);
    free(f);
}

static void on_removed(const struct db_result *r, void *arg)
{
    struct cleaning *c = arg;
    struct found *f = c->rows;

    if (db_result_status(r) != DB_OK) {
        free(f);
        c->rows = NULL;
        if (!cleaner_failed(c, r))
            abort();
        return;
    }
    f->step.removed = db_number(r, 0, 0);
    finish(c);
}

/* Removes the files of these rows and then, by `statement`, the rows. */
static void remove_rows(struct cleaning *c, const struct db_result *r,
                        const struct db_statement *statement)
{
    struct found *f = mem_zalloc(sizeof *f);
    size_t count = db_rows(r);
    char error[256];
    struct buf ids;

    c->rows = f;
    buf_init(&ids, IDS_MAX_BYTES);
    db_array_begin(&ids);
    for (size_t i = 0; i < count && !f->step.error; i++) {
        const char *key = db_value(r, i, IMAGE_KEY);

        if (!c->dry_run && key)
            f->step.error = remove_file(c, key, error, sizeof error);
        if (f->step.error)
            break;
        db_array_add(&ids, db_value(r, i, JOB_ID));
        f->step.found++;
        f->step.bytes += key ? db_number(r, i, SIZE_BYTES) : 0;
    }
    db_array_end(&ids);
    if (count == STEP) {
        snprintf(f->place, sizeof f->place, "%s",
                 db_value(r, count - 1, JOB_ID));
        f->step.place = f->place;
    }
    if (f->step.error) /* what went before it is found again */
        f->step = (struct clean_step){ .error = f->step.error };
    if (c->dry_run || f->step.error || count == 0)
        finish(c);
    else
        db_call(c->db, statement, (const char *const[]){ ids.data }, 1,
                on_removed, c);
    buf_release(&ids);
}

static void on_jobs(const struct db_result *r, void *arg)
{
    if (!cleaner_failed(arg, r))
        remove_rows(arg, r, &jobs_remove);
}

static void step_jobs(struct cleaning *c)
{
    char days[24];

    snprintf(days, sizeof days, "%" PRId64, c->settings->retain_jobs_days);
    db_call(c->db, &jobs_due,
            (const char *const[]){ days, *c->place ? c->place : NULL }, 2,
            on_jobs, c);
}

static void on_pictures(const struct db_result *r, void *arg)
{
    if (!cleaner_failed(arg, r))
        remove_rows(arg, r, &pictures_removed);
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
            4, on_pictures, c);
}

/* Nothing is done about those: whoever asks for them is told. */
static void on_known(const struct db_result *r, void *arg)
{
    struct cleaning *c = arg;
    struct clean_step step = { 0 };

    if (cleaner_failed(c, r))
        return;
    if (c->root_fd < 0)
        step.error = "SHOTFLEET_STORAGE is no folder that this poller has";
    for (size_t i = 0; i < db_rows(r) && !step.error; i++) {
        const char *key = db_value(r, i, IMAGE_KEY);

        if (faccessat(c->root_fd, key, F_OK, 0) == 0 || errno != ENOENT)
            continue;
        if (step.found++ < SAID_MAX)
            log_warning(LOG_WITH({ "job", db_value(r, i, JOB_ID) }),
                        "its picture \"%s\" is not in the storage", key);
        step.bytes += db_number(r, i, SIZE_BYTES);
    }
    if (db_rows(r) == STEP)
        step.place = db_value(r, STEP - 1, JOB_ID);
    cleaner_step(c, &step);
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
