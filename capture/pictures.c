#include "capture/pictures.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/jobs.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/token.h"

enum { NAME_SIZE = JOB_ID_SIZE + 8 };

struct pictures {
    int dir_fd;
    int lock_fd;
};

struct found {
    char id[JOB_ID_SIZE];
    struct image image;
    size_t len;
    int64_t written_ms;
};

static void name_of(char out[NAME_SIZE], const char *id, enum image_type type)
{
    snprintf(out, NAME_SIZE, "%s.%s", id, image_extension(type));
}

static int make_dir(const char *path)
{
    char part[PATH_MAX];

    for (size_t i = 1; i <= strlen(path); i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)i, path);
        if (mkdir(part, 0750) != 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

int pictures_open(struct pictures **out, const char *dir, char *error,
                  size_t error_size)
{
    struct pictures *p = mem_zalloc(sizeof *p);
    char path[PATH_MAX];

    p->dir_fd = p->lock_fd = -1;
    if ((size_t)snprintf(path, sizeof path, "%s/pictures", dir) >=
        sizeof path - NAME_SIZE) {
        errno = ENAMETOOLONG;
        goto fail;
    }
    if (make_dir(path) != 0)
        goto fail;
    p->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->dir_fd < 0)
        goto fail;
    p->lock_fd =
        openat(p->dir_fd, "../lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (p->lock_fd < 0 || flock(p->lock_fd, LOCK_EX | LOCK_NB) != 0)
        goto fail;
    *out = p;
    return 0;
fail:
    snprintf(error, error_size, "could not use the folder \"%s\": %s", dir,
             errno == EWOULDBLOCK ? "another shotfleet-capture uses it"
                                  : strerror(errno));
    pictures_close(p);
    return -1;
}

void pictures_close(struct pictures *p)
{
    if (!p)
        return;
    if (p->dir_fd >= 0)
        close(p->dir_fd);
    if (p->lock_fd >= 0)
        close(p->lock_fd);
    free(p);
}

static int write_all(int fd, const char *ptr, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, ptr, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        ptr += written;
        len -= (size_t)written;
    }
    return 0;
}

int pictures_store(struct pictures *p, const char *id, enum image_type type,
                   const char *ptr, size_t len)
{
    char name[NAME_SIZE];
    char draft[NAME_SIZE + sizeof ".new"];
    int saved = 0;
    int fd = -1;

    name_of(name, id, type);
    snprintf(draft, sizeof draft, "%s.new", name);
    fd = openat(p->dir_fd, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                0640);
    if (fd < 0)
        return -1;
    if (write_all(fd, ptr, len) != 0)
        goto fail;
    if (close(fd) != 0) {
        fd = -1;
        goto fail;
    }
    fd = -1;
    if (renameat(p->dir_fd, draft, p->dir_fd, name) == 0)
        return 0;
fail:
    saved = errno;
    if (fd >= 0)
        close(fd);
    unlinkat(p->dir_fd, draft, 0);
    errno = saved;
    return -1;
}

static int open_sized(const struct pictures *p, const char *name,
                      struct stat *st)
{
    int fd = openat(p->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))) {
        close(fd);
        errno = ENOENT;
        fd = -1;
    }
    return fd;
}

int pictures_read(const struct pictures *p, const char *id,
                  enum image_type type, size_t *len)
{
    char name[NAME_SIZE];
    struct stat st;
    int fd = -1;

    name_of(name, id, type);
    fd = open_sized(p, name, &st);
    if (fd >= 0)
        *len = (size_t)st.st_size;
    return fd;
}

void pictures_remove(struct pictures *p, const char *id, enum image_type type)
{
    char name[NAME_SIZE];

    name_of(name, id, type);
    if (unlinkat(p->dir_fd, name, 0) != 0 && errno != ENOENT)
        log_warning(NULL, "could not remove picture \"%s\": %s", name,
                    strerror(errno));
}

/* Is it a picture of ours, under the right name? */
static bool examine(const struct pictures *p, const char *name,
                    struct found *out)
{
    const char *dot = strchr(name, '.');
    struct stat st;
    void *bytes = MAP_FAILED;
    bool good = false;
    int fd = -1;

    if (!dot || dot - name != JOB_ID_SIZE - 1)
        return false;
    snprintf(out->id, sizeof out->id, "%.*s", JOB_ID_SIZE - 1, name);
    fd = open_sized(p, name, &st);
    if (fd >= 0 && st.st_size > 0)
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes != MAP_FAILED) {
        out->len = (size_t)st.st_size;
        out->written_ms =
            (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
        good = uuid_is_valid(out->id) &&
               image_read(&out->image, bytes, out->len) == 0 &&
               strcmp(image_extension(out->image.type), dot + 1) == 0;
        munmap(bytes, (size_t)st.st_size);
    }
    if (fd >= 0)
        close(fd);
    return good;
}

static int by_time(const void *a, const void *b)
{
    const struct found *x = a;
    const struct found *y = b;

    return (x->written_ms > y->written_ms) - (x->written_ms < y->written_ms);
}

void pictures_list(struct pictures *p, picture_fn *fn, void *arg)
{
    DIR *dir = fdopendir(openat(p->dir_fd, ".", O_RDONLY | O_CLOEXEC));
    struct dirent *entry = NULL;
    struct found *all = NULL;
    size_t count = 0;
    size_t room = 0;

    while (dir && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (count == room) {
            room = room ? 2 * room : 64;
            all = mem_resize_array(all, room, sizeof *all);
        }
        if (examine(p, entry->d_name, &all[count]))
            count++;
        else
            (void)unlinkat(p->dir_fd, entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
    if (count > 0)
        qsort(all, count, sizeof *all, by_time);
    for (size_t i = 0; i < count; i++)
        fn(all[i].id, &all[i].image, all[i].len, all[i].written_ms, arg);
    free(all);
}
