/* Files that nobody needs: pictures of no job, and what workers that died have
 * left in tmp/. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "poller/cleaner.h"

enum {
    /* A worker writes a file in seconds, and removes what it has given up. */
    TEMPORARY_AGE_S = 60 * 60,
    /* Longer than any job takes, so that a picture that waits to be recorded is
     * young; and that of a job that has not ended is never taken. */
    ORPHAN_AGE_S = 24 * 60 * 60,
    ARRAY_MAX_BYTES = 64 * 1024 * 1024,
};

static DIR *open_temporary(const char *root)
{
    char *path = mem_format("%s/tmp", root);
    DIR *dir = opendir(path);

    free(path);
    return dir;
}

/* In S3 nothing is half-written. */
static void step_temporary(struct cleaning *c)
{
    const char *root = pictures_root(c->pictures);
    struct clean_step step = { 0 };
    DIR *dir = root ? open_temporary(root) : NULL;
    const struct dirent *e;
    struct stat st;

    while (dir && (e = readdir(dir))) {
        if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode) || time(NULL) - st.st_mtime < TEMPORARY_AGE_S)
            continue;
        step.found++;
        step.bytes += st.st_size;
        if (!c->dry_run && unlinkat(dirfd(dir), e->d_name, 0) == 0)
            step.removed++;
    }
    if (dir)
        closedir(dir);
    cleaner_step(c, &step);
}

/* --- orphans */

static const struct db_statement statement = {
    "pictures_orphaned", "select * from pictures_orphaned($1, $2)"
};

static void on_orphans_gone(void *arg)
{
    struct cleaning *c = arg;
    const struct picture_batch *b = &c->batch;
    struct clean_step step = { .place = *b->place ? b->place : NULL,
                               .error = *b->error ? b->error : NULL };

    for (size_t i = 0; i < b->count; i++) {
        step.found++;
        step.bytes += b->items[i].bytes;
        step.removed += b->items[i].hit;
    }
    cleaner_step(c, &step);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct picture *)a)->key,
                  ((const struct picture *)b)->key);
}

/* Leaves in the batch what is in the rows. */
static void keep_rows(struct picture_batch *b, const struct db_result *r)
{
    struct picture_batch kept = { 0 };

    if (b->count > 0)
        qsort(b->items, b->count, sizeof *b->items, by_key);
    for (size_t i = 0; i < db_rows(r); i++) {
        const struct picture wanted = { .key = (char *)db_value(r, i, 0) };
        const struct picture *item =
            bsearch(&wanted, b->items, b->count, sizeof *b->items, by_key);

        picture_batch_add(&kept, item->key, item->job, item->bytes);
    }
    memcpy(kept.place, b->place, sizeof kept.place);
    picture_batch_clear(b);
    *b = kept;
}

static void on_orphans(const struct db_result *r, void *arg)
{
    struct cleaning *c = arg;

    if (cleaner_failed(c, r))
        return;
    keep_rows(&c->batch, r);
    if (c->dry_run)
        on_orphans_gone(c);
    else /* if it is still old: it may have been stored anew meanwhile */
        pictures_remove(c->pictures, &c->batch, ORPHAN_AGE_S, on_orphans_gone,
                        c);
}

static void on_walked(void *arg)
{
    struct cleaning *c = arg;
    const struct picture_batch *b = &c->batch;
    struct buf keys, ids;

    if (*b->error) {
        cleaner_step(c, &(struct clean_step){ .error = b->error });
        return;
    }
    buf_init(&keys, ARRAY_MAX_BYTES);
    buf_init(&ids, ARRAY_MAX_BYTES);
    db_array_begin(&keys);
    db_array_begin(&ids);
    for (size_t i = 0; i < b->count; i++) {
        db_array_add(&keys, b->items[i].key);
        db_array_add(&ids, b->items[i].job);
    }
    db_array_end(&keys);
    db_array_end(&ids);
    db_call(c->db, &statement, (const char *const[]){ keys.data, ids.data }, 2,
            on_orphans, c);
    buf_release(&keys);
    buf_release(&ids);
}

static void step_orphans(struct cleaning *c)
{
    if (!c->dry_run && !c->settings->remove_orphans) {
        cleaner_step(c, &(struct clean_step){ 0 });
        return;
    }
    picture_batch_clear(&c->batch);
    memcpy(c->batch.place, c->place, sizeof c->batch.place);
    pictures_walk(c->pictures, &c->batch, ORPHAN_AGE_S, on_walked, c);
}

const struct clean_task clean_temporary = { "temporary", step_temporary };
const struct clean_task clean_orphans = { "orphans", step_orphans };
