/* Where Chromium is, and whether its sandbox can work on this machine. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/chromium.h"

static int find_in_path(const char *name, char *path, size_t path_size)
{
    const char *dir = getenv("PATH");

    while (dir && *dir != '\0') {
        size_t len = strcspn(dir, ":");
        int written = snprintf(path, path_size, "%.*s/%s", (int)len, dir, name);

        if (written > 0 && (size_t)written < path_size &&
            access(path, X_OK) == 0)
            return 0;
        dir += len + (dir[len] == ':');
    }
    return -1;
}

int chromium_find(const char *wanted, char *path, size_t path_size)
{
    /* The shell captures about three times as fast as the full browser. */
    static const char *const names[] = { "chromium-headless-shell",
                                         "chromium" };

    if (*wanted != '\0' && !strchr(wanted, '/'))
        return find_in_path(wanted, path, path_size);
    if (*wanted != '\0') {
        snprintf(path, path_size, "%s", wanted);
        return access(path, X_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (find_in_path(names[i], path, path_size) == 0)
            return 0;
    }
    return -1;
}

/* Chromium's sandbox makes user and process namespaces; containers and some
 * distributions forbid that, and root is refused by Chromium itself. */
bool chromium_sandbox_works(const char **why)
{
    int status = -1;
    pid_t pid = 0;

    if (geteuid() == 0) {
        *why = "Chromium has none for root: run as another user";
        return false;
    }
    pid = fork();
    if (pid == 0)
        _exit(unshare(CLONE_NEWUSER) == 0 && unshare(CLONE_NEWPID) == 0 ? 0
                                                                        : 1);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    *why = "user namespaces are not permitted here (in a container: allow them "
           "in its seccomp profile)";
    return false;
}
