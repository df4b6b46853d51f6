#include "common/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"

enum { LEFT_OVER_S = 3600 };

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

/* Whoever writes there now needs seconds, not an hour. */
static void remove_left_overs(const char *temporary)
{
    DIR *dir = opendir(temporary);
    const struct dirent *entry;
    struct stat st;

    while (dir && (entry = readdir(dir))) {
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) &&
            st.st_mtime < clock_wall_ms() / 1000 - LEFT_OVER_S)
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
}

void folder_init(struct folder *f, const char *path)
{
    *f = (struct folder){ .path = mem_strdup(path), .fd = -1 };
    for (size_t n = strlen(f->path); n > 1 && f->path[n - 1] == '/';)
        f->path[--n] = '\0';
}

void folder_release(struct folder *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
}

int folder_open(struct folder *f)
{
    char *temporary;

    if (f->fd >= 0)
        return 0;
    temporary = mem_format("%s/tmp", f->path);
    if (make_folders(temporary) == 0 && access(temporary, W_OK | X_OK) == 0)
        f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd >= 0)
        remove_left_overs(temporary);
    free(temporary);
    return f->fd >= 0 ? 0 : -1;
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

int folder_write(const struct folder *f, const char *ptr, size_t len, bool sync,
                 char **temporary)
{
    char *path = mem_format("%s/tmp/XXXXXX", f->path);
    int fd = mkostemp(path, O_CLOEXEC);
    int why;

    if (fd >= 0 && write_all(fd, ptr, len) == 0 && fchmod(fd, 0644) == 0 &&
        (!sync || fsync(fd) == 0)) {
        close(fd);
        *temporary = path;
        return 0;
    }
    why = errno;
    if (fd >= 0) {
        unlink(path);
        close(fd);
    }
    free(path);
    errno = why;
    return -1;
}

static int sync_one(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return -1;
    rc = fsync(fd);
    close(fd);
    return rc;
}

/* Each folder between the root and the file, which may be new. */
static int sync_parents(const struct folder *f, char *path)
{
    int rc = 0;

    while (rc == 0 && strlen(path) > strlen(f->path)) {
        *strrchr(path, '/') = '\0';
        rc = sync_one(path);
    }
    return rc;
}

/* Makes the folders only when they are missing. */
static int move(const char *from, char *to)
{
    char *slash = strrchr(to, '/');
    int rc = rename(from, to);

    if (rc == 0 || errno != ENOENT)
        return rc;
    *slash = '\0';
    rc = make_folders(to);
    *slash = '/';
    return rc == 0 ? rename(from, to) : -1;
}

int folder_publish(const struct folder *f, const char *temporary,
                   const char *key, bool sync)
{
    char *path = mem_format("%s/%s", f->path, key);
    int rc = move(temporary, path);

    if (rc == 0 && sync)
        rc = sync_parents(f, path);
    free(path);
    return rc;
}

int folder_sync(const struct folder *f)
{
    return syncfs(f->fd);
}
