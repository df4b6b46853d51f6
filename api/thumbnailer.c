#include "api/thumbnailer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"

enum {
    /* They have the lowest priority, and two keep a gallery coming. */
    AT_ONCE = 2,
    /* A browser asks for six at a time. */
    WAITING_MAX = 64,
    EXIT_IMPOSSIBLE = 1, /* the program's */
};

struct task {
    struct thumbnailer *thumbnailer;
    struct task *next; /* in the queue, or among those that run */
    int picture_fd, out_fd;
    pid_t pid;
    int pid_fd; /* readable once the process has ended */
    struct loop_watch *watch;
    thumbnail_fn *done;
    void *arg;
};

struct thumbnailer {
    struct loop *loop;
    char *program;
    struct task *first, **last; /* that wait */
    struct task *running;
    unsigned waiting, at_work;
};

static void start_next(struct thumbnailer *t);

/* Beside this program, NULL if it is not there. */
static char *find_program(void)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash, *path;

    if (len < 0)
        return NULL;
    self[len] = '\0';
    slash = strrchr(self, '/');
    if (!slash)
        return NULL;
    path = mem_format("%.*s/shotfleet-thumbnail", (int)(slash - self), self);
    if (access(path, X_OK) == 0)
        return path;
    free(path);
    return NULL;
}

struct thumbnailer *thumbnailer_new(struct loop *loop)
{
    struct thumbnailer *t;
    char *program = find_program();

    if (!program) {
        log_warning(NULL, "there will be no thumbnails: shotfleet-thumbnail is "
                          "not beside this program");
        return NULL;
    }
    t = mem_zalloc(sizeof *t);
    *t = (struct thumbnailer){ .loop = loop, .program = program };
    t->last = &t->first;
    return t;
}

/* Ends the task, with `fd` to hand over. */
static void finish(struct task *task, enum thumbnail_outcome outcome, int fd)
{
    thumbnail_fn *done = task->done;
    void *arg = task->arg;

    loop_watch_free(task->watch);
    if (task->pid_fd >= 0)
        close(task->pid_fd);
    close(task->picture_fd);
    if (task->out_fd >= 0 && task->out_fd != fd)
        close(task->out_fd);
    free(task);
    done(outcome, fd, arg);
}

static void take_out(struct thumbnailer *t, struct task *task)
{
    struct task **place = &t->running;

    while (*place != task)
        place = &(*place)->next;
    *place = task->next;
    t->at_work--;
}

/* A crash is the picture's doing.  SIGKILL may be anybody's: a machine without
 * memory, a person. */
static enum thumbnail_outcome judge(int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return THUMBNAIL_MADE;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_IMPOSSIBLE)
        return THUMBNAIL_IMPOSSIBLE;
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL &&
        WTERMSIG(status) != SIGTERM) {
        log_warning(NULL,
                    "a picture could not be made small: shotfleet-thumbnail "
                    "was ended by signal %d (%s)",
                    WTERMSIG(status), strsignal(WTERMSIG(status)));
        return THUMBNAIL_IMPOSSIBLE;
    }
    log_error(NULL, "could not make a thumbnail: shotfleet-thumbnail %s %d",
              WIFSIGNALED(status) ? "was killed by signal" : "exited with",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return THUMBNAIL_FAILED;
}

static int reap(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static void on_ended(int ready, void *arg)
{
    struct task *task = arg;
    struct thumbnailer *t = task->thumbnailer;
    enum thumbnail_outcome outcome = judge(reap(task->pid));

    (void)ready;
    take_out(t, task);
    finish(task, outcome, outcome == THUMBNAIL_MADE ? task->out_fd : -1);
    start_next(t);
}

/* 0, or an errno. */
static int spawn(struct task *task)
{
    char *const arguments[] = { task->thumbnailer->program, NULL };
    char *const environment[] = { NULL };
    posix_spawn_file_actions_t actions;
    int why;

    posix_spawn_file_actions_init(&actions);
    why = posix_spawn_file_actions_adddup2(&actions, task->picture_fd,
                                           STDIN_FILENO);
    if (why == 0)
        why = posix_spawn_file_actions_adddup2(&actions, task->out_fd,
                                               STDOUT_FILENO);
    if (why == 0)
        why = posix_spawn_file_actions_addclosefrom_np(&actions,
                                                       STDERR_FILENO + 1);
    if (why == 0)
        why = posix_spawn(&task->pid, arguments[0], &actions, NULL, arguments,
                          environment);
    posix_spawn_file_actions_destroy(&actions);
    return why;
}

static int start(struct task *task)
{
    struct thumbnailer *t = task->thumbnailer;
    int why;

    task->out_fd = memfd_create("thumbnail", MFD_CLOEXEC);
    why = task->out_fd < 0 ? errno : spawn(task);
    if (why != 0) {
        log_error(NULL, "could not start \"%s\": %s", t->program,
                  strerror(why));
        return -1;
    }
    task->pid_fd = pidfd_open(task->pid, 0);
    if (task->pid_fd < 0) {
        log_error(NULL, "could not watch \"%s\": %s", t->program,
                  strerror(errno));
        kill(task->pid, SIGKILL);
        reap(task->pid);
        return -1;
    }
    task->watch =
        loop_watch_new(t->loop, task->pid_fd, LOOP_READ, on_ended, task);
    return 0;
}

static void start_next(struct thumbnailer *t)
{
    while (t->at_work < AT_ONCE && t->first) {
        struct task *task = t->first;

        t->first = task->next;
        if (!t->first)
            t->last = &t->first;
        t->waiting--;
        if (start(task) != 0) {
            finish(task, THUMBNAIL_FAILED, -1);
            continue;
        }
        task->next = t->running;
        t->running = task;
        t->at_work++;
    }
}

int thumbnailer_make(struct thumbnailer *t, int picture_fd, thumbnail_fn *done,
                     void *arg)
{
    struct task *task;

    if (!t || t->waiting == WAITING_MAX) {
        close(picture_fd);
        return -1;
    }
    task = mem_zalloc(sizeof *task);
    *task = (struct task){ .thumbnailer = t,
                           .picture_fd = picture_fd,
                           .out_fd = -1,
                           .pid_fd = -1,
                           .done = done,
                           .arg = arg };
    *t->last = task;
    t->last = &task->next;
    t->waiting++;
    start_next(t);
    return 0;
}

void thumbnailer_free(struct thumbnailer *t)
{
    struct task *task;

    if (!t)
        return;
    while ((task = t->running)) {
        t->running = task->next;
        kill(task->pid, SIGKILL);
        reap(task->pid);
        finish(task, THUMBNAIL_FAILED, -1);
    }
    while ((task = t->first)) {
        t->first = task->next;
        finish(task, THUMBNAIL_FAILED, -1);
    }
    free(t->program);
    free(t);
}
