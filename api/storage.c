#include "api/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *storage_root(const char *url, char *error, size_t error_size)
{
    static const char scheme[] = "file://";
    const char *path = url + sizeof scheme - 1;

    if (strncmp(url, scheme, sizeof scheme - 1) == 0 && path[0] == '/')
        return path;
    snprintf(error, error_size,
             "SHOTFLEET_STORAGE=\"%.100s\" is not of the form "
             "file:///absolute/folder",
             url);
    return NULL;
}

/* Copies the part before the next slash; false for parts that go nowhere or
 * upwards. */
static bool next_part(const char **key, char part[NAME_MAX + 1])
{
    size_t len = strcspn(*key, "/");

    if (len == 0 || len > NAME_MAX)
        return false;
    memcpy(part, *key, len);
    part[len] = '\0';
    *key += len + ((*key)[len] == '/');
    return strcmp(part, ".") != 0 && strcmp(part, "..") != 0;
}

/* Takes `folder`. */
static int step(int folder, const char *name, int flags)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);
    int error = errno;

    close(folder);
    errno = error;
    return fd;
}

int storage_open(const char *root, const char *key, size_t *size)
{
    char part[NAME_MAX + 1];
    struct stat st;
    int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    while (fd >= 0) {
        if (!next_part(&key, part)) {
            errno = EINVAL;
            break;
        }
        /* O_NONBLOCK: a pipe must not hold the loop up */
        fd = step(fd, part, *key ? O_DIRECTORY : O_NONBLOCK);
        if (fd < 0 || *key)
            continue;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
            *size = (size_t)st.st_size;
            return fd;
        }
        errno = EINVAL;
        break;
    }
    if (fd >= 0) {
        int error = errno;

        close(fd);
        errno = error;
    }
    return -1;
}
