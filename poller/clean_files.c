/* Files that nobody needs: pictures of no job, and what workers that died have
 * left in tmp/. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/token.h"
#include "poller/cleaner.h"

enum {
    /* A worker writes a file in seconds, and removes what it has given up. */
    TEMPORARY_AGE_S = 60 * 60,
    /* Longer than any job takes, so that a picture that waits to be recorded is
     * young; and that of a job that has not ended is never taken. */
    ORPHAN_AGE_S = 24 * 60 * 60,
    FOLDERS = 256 * 256, /* screenshots/00/00 to ff/ff */
    FOLDERS_A_STEP = 64,
    UUID_LENGTH = 36,
    ARRAY_MAX_BYTES = 64 * 1024 * 1024,
};

static const char no_folder[] =
    "SHOTFLEET_STORAGE is no folder that this poller has; in S3 a lifecycle "
    "rule does this";

/* An old file; its size is in *bytes. */
static bool is_old(int fd, const char *name, int64_t age_s, int64_t *bytes)
{
    struct stat st;

    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode) || time(NULL) - st.st_mtime < age_s)
        return false;
    *bytes = st.st_size;
    return true;
}

static DIR *open_folder(int root_fd, const char *path)
{
    int fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (!dir && fd >= 0)
        close(fd);
    return dir;
}

static void step_temporary(struct cleaning *c)
{
    struct clean_step step = { .error = c->root_fd < 0 ? no_folder : NULL };
    DIR *dir = c->root_fd < 0 ? NULL : open_folder(c->root_fd, "tmp");
    const struct dirent *e;
    int64_t bytes = 0;

    while (dir && (e = readdir(dir))) {
        if (!is_old(dirfd(dir), e->d_name, TEMPORARY_AGE_S, &bytes))
            continue;
        step.found++;
        step.bytes += bytes;
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

struct walk {
    struct buf keys, ids; /* of old files, as arrays */
    size_t count;
};

static void add_folder(const struct cleaning *c, struct walk *w,
                       const char *path)
{
    DIR *dir = open_folder(c->root_fd, path);
    const struct dirent *e;
    int64_t bytes;

    while (dir && (e = readdir(dir))) {
        char id[UUID_LENGTH + 1], key[512];

        /* <job>-<hash>.png */
        snprintf(id, sizeof id, "%.36s", e->d_name);
        if (!uuid_is_valid(id) || e->d_name[UUID_LENGTH] != '-' ||
            !is_old(dirfd(dir), e->d_name, ORPHAN_AGE_S, &bytes))
            continue;
        snprintf(key, sizeof key, "%s/%s", path, e->d_name);
        db_array_add(&w->keys, key);
        db_array_add(&w->ids, id);
        w->count++;
    }
    if (dir)
        closedir(dir);
}

static void on_orphans(const struct db_result *r, void *arg)
{
    struct cleaning *c = arg;
    long next = strtol(c->place, NULL, 10) + FOLDERS_A_STEP;
    struct clean_step step = { 0 };
    char place[24];
    int64_t bytes;

    if (cleaner_failed(c, r))
        return;
    for (size_t i = 0; i < db_rows(r); i++) {
        const char *key = db_value(r, i, 0);

        /* once more: it may have been stored anew meanwhile */
        if (!is_old(c->root_fd, key, ORPHAN_AGE_S, &bytes))
            continue;
        step.found++;
        step.bytes += bytes;
        if (!c->dry_run && unlinkat(c->root_fd, key, 0) == 0)
            step.removed++;
    }
    snprintf(place, sizeof place, "%ld", next);
    step.place = next < FOLDERS ? place : NULL;
    cleaner_step(c, &step);
}

static void step_orphans(struct cleaning *c)
{
    long first = strtol(c->place, NULL, 10);
    struct walk w = { .count = 0 };

    if (c->root_fd < 0 || (!c->dry_run && !c->settings->remove_orphans)) {
        cleaner_step(c, &(struct clean_step){
                            .error = c->root_fd < 0 ? no_folder : NULL });
        return;
    }
    buf_init(&w.keys, ARRAY_MAX_BYTES);
    buf_init(&w.ids, ARRAY_MAX_BYTES);
    db_array_begin(&w.keys);
    db_array_begin(&w.ids);
    for (long n = first; n < first + FOLDERS_A_STEP; n++) {
        char path[32];

        snprintf(path, sizeof path, "screenshots/%02lx/%02lx",
                 (unsigned long)n / 256, (unsigned long)n % 256);
        add_folder(c, &w, path);
    }
    db_array_end(&w.keys);
    db_array_end(&w.ids);
    db_call(c->db, &statement, (const char *const[]){ w.keys.data, w.ids.data },
            2, on_orphans, c);
    buf_release(&w.keys);
    buf_release(&w.ids);
}

const struct clean_task clean_temporary = { "temporary", step_temporary };
const struct clean_task clean_orphans = { "orphans", step_orphans };
