#include "worker/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"

/* From so many files on one sync of the file system is cheaper than one each.
 */
enum { SYNCFS_FROM = 4 };

struct store {
    char *root; /* no trailing slash */
    int root_fd;
};

static int fail(char *error, size_t size, const char *what, const char *path)
{
    snprintf(error, size, "could not %s \"%s\": %s", what, path,
             strerror(errno));
    return -1;
}

/* Like mkdir -p; 0 when it is there. */
static int make_folders(const char *path)
{
    char *copy = mem_strdup(path);
    int rc = 0;

    for (char *c = copy + 1; rc == 0; c++) {
        char end = *c;

        if (end != '/' && end != '\0')
            continue;
        *c = '\0';
        rc = mkdir(copy, 0755) != 0 && errno != EEXIST ? -1 : 0;
        *c = end;
        if (end == '\0')
            break;
    }
    free(copy);
    return rc;
}

struct store *store_new(const char *url, char *error, size_t error_size)
{
    static const char scheme[] = "file://";
    struct store *s;
    char *temporary;

    if (strncmp(url, scheme, sizeof scheme - 1) != 0 ||
        url[sizeof scheme - 1] != '/') {
        snprintf(error, error_size,
                 "SHOTFLEET_STORAGE=\"%.200s\" is not file:///absolute/folder",
                 url);
        return NULL;
    }
    s = mem_zalloc(sizeof *s);
    s->root = mem_strdup(url + sizeof scheme - 1);
    for (size_t n = strlen(s->root); n > 1 && s->root[n - 1] == '/';)
        s->root[--n] = '\0';
    temporary = mem_format("%s/tmp", s->root);
    s->root_fd = -1;
    if (make_folders(temporary) == 0)
        s->root_fd = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->root_fd < 0 || access(temporary, W_OK) != 0) {
        fail(error, error_size, "write to SHOTFLEET_STORAGE", temporary);
        store_free(s);
        s = NULL;
    }
    free(temporary);
    return s;
}

void store_free(struct store *s)
{
    if (!s)
        return;
    if (s->root_fd >= 0)
        close(s->root_fd);
    free(s->root);
    free(s);
}

static int write_all(int fd, const char *ptr, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, ptr, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        ptr += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Ids are ordered by time: their last digits spread best. */
static void make_key(char key[STORE_KEY_SIZE], const char *job_id,
                     enum image_type type, const char *sha256)
{
    size_t n = strlen(job_id);

    snprintf(key, STORE_KEY_SIZE, "screenshots/%.2s/%.2s/%s-%.12s.%s",
             job_id + n - 2, job_id + n - 4, job_id, sha256,
             image_extension(type));
}

struct stored *store_put(struct store *s, const char *job_id,
                         enum image_type type, const char *sha256,
                         const char *ptr, size_t len, char *error,
                         size_t error_size)
{
    struct stored *item = mem_zalloc(sizeof *item);

    make_key(item->key, job_id, type, sha256);
    item->temporary = mem_format("%s/tmp/%s-XXXXXX", s->root, job_id);
    item->fd = mkostemp(item->temporary, O_CLOEXEC);
    if (item->fd < 0) {
        fail(error, error_size, "create", item->temporary);
        free(item->temporary);
        item->temporary = NULL;
    } else if (write_all(item->fd, ptr, len) != 0 ||
               fchmod(item->fd, 0644) != 0) {
        fail(error, error_size, "write", item->temporary);
    } else {
        return item;
    }
    stored_free(item);
    return NULL;
}

static int sync_files(struct store *s, struct stored **items, size_t count)
{
    if (count >= SYNCFS_FROM)
        return syncfs(s->root_fd);
    for (size_t i = 0; i < count; i++) {
        if (fsync(items[i]->fd) != 0)
            return -1;
    }
    return 0;
}

static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return -1;
    rc = fsync(fd);
    close(fd);
    return rc;
}

/* Renames into place, and makes the name durable unless the caller does. */
static int publish(struct store *s, struct stored *item, bool sync)
{
    char *path = mem_format("%s/%s", s->root, item->key);
    char *slash = strrchr(path, '/');
    int rc;

    *slash = '\0';
    rc = make_folders(path);
    *slash = '/';
    if (rc == 0)
        rc = rename(item->temporary, path);
    if (rc == 0) {
        free(item->temporary);
        item->temporary = NULL;
        /* the file's folder, and the two above it, which may be new */
        for (int level = 0; sync && rc == 0 && level < 3; level++) {
            slash = strrchr(path, '/');
            *slash = '\0';
            rc = sync_folder(path);
        }
    }
    free(path);
    return rc;
}

int store_commit(struct store *s, struct stored **items, size_t count,
                 char *error, size_t error_size)
{
    bool one_sync = count >= SYNCFS_FROM;

    if (sync_files(s, items, count) != 0)
        return fail(error, error_size, "write to disk below", s->root);
    for (size_t i = 0; i < count; i++) {
        if (items[i]->temporary && publish(s, items[i], !one_sync) != 0)
            return fail(error, error_size, "store", items[i]->key);
    }
    if (one_sync && syncfs(s->root_fd) != 0)
        return fail(error, error_size, "write to disk below", s->root);
    return 0;
}

void stored_free(struct stored *item)
{
    if (!item)
        return;
    if (item->temporary)
        unlink(item->temporary);
    free(item->temporary);
    if (item->fd >= 0)
        close(item->fd);
    free(item);
}
