/* Pictures in a folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/thumbnail_key.h"
#include "poller/pictures_backend.h"

enum {
    FOLDERS = 256 * 256, /* screenshots/00/00 to ff/ff */
    FOLDERS_A_STEP = 64,
};

/* -1 with the batch's error. */
static int open_root(const char *root, struct picture_batch *b)
{
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        snprintf(b->error, sizeof b->error,
                 "SHOTFLEET_STORAGE is no folder that this poller has: "
                 "%.200s: %s",
                 root, strerror(errno));
    return fd;
}

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

/* There is none unless somebody looked. */
static void remove_thumbnail(int root_fd, const char *picture_key)
{
    char key[THUMBNAIL_KEY_SIZE];

    if (thumbnail_key(picture_key, key) && unlinkat(root_fd, key, 0) != 0 &&
        errno != ENOENT)
        log_warning(NULL, "could not remove \"%s\": %s", key, strerror(errno));
}

static void remove_one(int root_fd, struct picture_call *call,
                       struct picture *item)
{
    int64_t bytes;

    if (call->min_age_s > 0 &&
        !is_old(root_fd, item->key, call->min_age_s, &bytes))
        return;
    item->hit = unlinkat(root_fd, item->key, 0) == 0 || errno == ENOENT;
    if (item->hit)
        remove_thumbnail(root_fd, item->key);
    else
        snprintf(call->batch->error, sizeof call->batch->error,
                 "could not remove \"%.100s\": %s", item->key, strerror(errno));
}

void folder_remove(const char *root, struct picture_call *call)
{
    struct picture_batch *b = call->batch;
    int fd = open_root(root, b);

    for (size_t i = 0; i < b->count && !*b->error; i++) {
        if (b->items[i].key)
            remove_one(fd, call, &b->items[i]);
    }
    if (fd >= 0)
        close(fd);
    picture_call_end(call);
}

void folder_look(const char *root, struct picture_call *call)
{
    struct picture_batch *b = call->batch;
    int fd = open_root(root, b);

    for (size_t i = 0; i < b->count && !*b->error; i++)
        b->items[i].hit =
            faccessat(fd, b->items[i].key, F_OK, 0) != 0 && errno == ENOENT;
    if (fd >= 0)
        close(fd);
    picture_call_end(call);
}

static void add_folder(int root_fd, struct picture_call *call, const char *path)
{
    int fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *e;
    int64_t bytes;
    char key[512];

    while (dir && (e = readdir(dir))) {
        if (!is_old(dirfd(dir), e->d_name, call->min_age_s, &bytes))
            continue;
        snprintf(key, sizeof key, "%s/%s", path, e->d_name);
        picture_batch_add_stored(call->batch, key, bytes);
    }
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
}

void folder_walk(const char *root, struct picture_call *call)
{
    struct picture_batch *b = call->batch;
    long first = strtol(b->place, NULL, 10);
    long next = first + FOLDERS_A_STEP;
    int fd = open_root(root, b);

    for (long n = first; n < next && fd >= 0; n++) {
        char path[32];

        snprintf(path, sizeof path, "screenshots/%02lx/%02lx",
                 (unsigned long)n / 256, (unsigned long)n % 256);
        add_folder(fd, call, path);
    }
    if (fd >= 0)
        close(fd);
    snprintf(b->place, sizeof b->place, "%ld", next);
    if (next >= FOLDERS)
        b->place[0] = '\0';
    picture_call_end(call);
}
