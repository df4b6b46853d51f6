#include "capture/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    FIRST_FREE_FD = 5, /* in the program: 0, 1, 2, commands, messages */
    EXEC_FAILED = 127, /* as in a shell */
    SIGNAL_BASE = 128, /* exit code of the keeper: 128 + signal, likewise */
    COLLECT_MS = 5000, /* for killed processes to be gone */
    COLLECT_STEP_MS = 5,
};

static void on_child(int signo)
{
    (void)signo; /* only there to interrupt ppoll() */
}

/* Between fork and exec only what is async-signal-safe: the resolver has
 * threads. */
static void close_from(int first)
{
    struct rlimit limit = { .rlim_cur = 1024 };

    if (close_range((unsigned)first, ~0U, 0) == 0)
        return;
    getrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = first; fd < (int)limit.rlim_cur; fd++)
        close(fd);
}

/* Moves descriptors to fixed numbers, though these may be taken by others. */
static void place(const struct keeper_options *o)
{
    int commands = fcntl(o->commands_fd, F_DUPFD, 16);
    int messages = fcntl(o->messages_fd, F_DUPFD, 16);
    int errors = fcntl(o->errors_fd, F_DUPFD, 16);
    int nothing = open("/dev/null", O_RDWR);

    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    dup2(commands, 3);
    dup2(messages, 4);
    close_from(FIRST_FREE_FD);
}

static _Noreturn void run_program(const struct keeper_options *o, pid_t keeper,
                                  const sigset_t *mask)
{
    struct rlimit no_core = { 0, 0 };

    setpgid(0, 0);
    /* Should even the keeper be killed. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper)
        _exit(EXEC_FAILED);
    setrlimit(RLIMIT_CORE, &no_core);
    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    place(o);
    execv(o->path, o->arguments);
    _exit(EXEC_FAILED);
}

/* Collects everything that has ended; true once there are no children left. */
static bool collect(pid_t program, int *status)
{
    int one = 0;
    pid_t pid = 0;

    while ((pid = waitpid(-1, &one, WNOHANG)) > 0) {
        if (pid == program)
            *status = one;
    }
    return pid < 0 && errno == ECHILD;
}

static void kill_family(pid_t program, int *status)
{
    const struct timespec step = { .tv_nsec = COLLECT_STEP_MS * 1000000L };

    for (int waited = 0; waited < COLLECT_MS; waited += COLLECT_STEP_MS) {
        kill(-program, SIGKILL);
        if (collect(program, status))
            return;
        nanosleep(&step, NULL);
    }
}

static _Noreturn void keep(int life_fd, const struct keeper_options *o)
{
    pid_t keeper = getpid();
    pid_t program = 0;
    int status = -1;
    sigset_t child;
    sigset_t mask;

    prctl(PR_SET_NAME, "chromium-keeper");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_DFL);
    /* They are meant for our parent, which then lets Chromium finish. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child, NULL);
    sigemptyset(&mask);
    signal(SIGCHLD, on_child);

    program = fork();
    if (program == 0)
        run_program(o, keeper, &mask);
    if (program < 0)
        _exit(EXEC_FAILED);
    setpgid(program, program); /* whoever comes first */
    /* Nothing else of our parent's is to stay open here. */
    dup2(life_fd, 3);
    close_from(4);
    for (int fd = 0; fd < 2; fd++)
        close(fd);
    life_fd = 3;

    while (status == -1) {
        struct pollfd life = { .fd = life_fd, .events = POLLIN };

        if (ppoll(&life, 1, NULL, &mask) > 0)
            break;
        collect(program, &status);
    }
    kill_family(program, &status);
    if (WIFSIGNALED(status))
        _exit(SIGNAL_BASE + WTERMSIG(status));
    _exit(WEXITSTATUS(status));
}

int keeper_start(struct keeper *out, const struct keeper_options *options)
{
    int pair[2] = { -1, -1 };
    int saved = 0;
    pid_t pid = 0;

    *out = (struct keeper){ .fd = -1 };
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        close(pair[0]);
        keep(pair[1], options);
    }
    saved = errno;
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        errno = saved;
        return -1;
    }
    *out = (struct keeper){ .pid = pid, .fd = pair[0] };
    return 0;
}

void keeper_kill(struct keeper *k)
{
    if (k->pid > 0)
        shutdown(k->fd, SHUT_WR); /* end of file at the keeper's end */
}

void keeper_reap(struct keeper *k, char *how, size_t how_size)
{
    int status = 0;
    int code = 0;

    if (k->pid <= 0)
        return;
    while (waitpid(k->pid, &status, 0) < 0 && errno == EINTR)
        ;
    code = WIFEXITED(status) ? WEXITSTATUS(status)
                             : SIGNAL_BASE + WTERMSIG(status);
    if (code == EXEC_FAILED)
        snprintf(how, how_size, "it could not be executed");
    else if (code > SIGNAL_BASE)
        snprintf(how, how_size, "it was killed by signal %d",
                 code - SIGNAL_BASE);
    else
        snprintf(how, how_size, "it exited with code %d", code);
    close(k->fd);
    *k = (struct keeper){ .fd = -1 };
}
