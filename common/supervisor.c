#include "common/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    BACKOFF_BASE_MS = 100,
    BACKOFF_CAP_MS = 10 * 1000,
    /* A child that lived this long has proved itself; its next death counts as
     * the first. */
    HEALTHY_MS = 30 * 1000,
    DEATHS_IN_A_ROW_MAX = 20,
};

struct child {
    pid_t pid; /* 0: not running */
    int64_t born_ms;
    int64_t due_ms; /* when to fork it again */
    unsigned deaths;
};

struct supervisor {
    const struct supervisor_options *options;
    struct child *children;
    unsigned count;
    sigset_t waited; /* blocked and fetched by sigtimedwait */
    sigset_t before; /* what a child gets back */
    pid_t parent;
    bool stopping;
    int64_t kill_ms; /* stopping: when patience ends */
    int exit_code;
};

static void child_run(struct supervisor *s, unsigned index)
{
    const struct supervisor_options *o = s->options;
    int code;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != s->parent)
        _exit(1); /* it died before we asked to be told */
    /* handed on by the parent; deadly unless the child takes them up */
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    sigprocmask(SIG_SETMASK, &s->before, NULL);
    if (o->metrics)
        metrics_use_row(o->metrics, index);
    code = index < o->processes ? o->child(index, o->arg)
                                : o->admin(index, o->arg);
    exit(code);
}

static void child_fork(struct supervisor *s, unsigned index)
{
    struct child *c = &s->children[index];
    pid_t pid = fork();

    if (pid == 0)
        child_run(s, index);
    if (pid < 0) {
        log_error(NULL, "could not fork a child: %s", strerror(errno));
        c->due_ms = clock_monotonic_ms() + BACKOFF_CAP_MS;
        return;
    }
    c->pid = pid;
    c->born_ms = clock_monotonic_ms();
}

static void children_signal(struct supervisor *s, int signo)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (s->children[i].pid > 0)
            kill(s->children[i].pid, signo);
    }
}

static void stop(struct supervisor *s, int exit_code)
{
    if (s->stopping)
        return;
    s->stopping = true;
    s->exit_code = exit_code;
    s->kill_ms = clock_monotonic_ms() + s->options->grace_ms;
    children_signal(s, SIGTERM);
}

static void describe(int status, char *out, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(out, size, "killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(out, size, "exit code %d", WEXITSTATUS(status));
}

/* In the row of the dead one, which nobody else writes to now. */
static void count_restart(const struct supervisor *s, unsigned index)
{
    const struct supervisor_options *o = s->options;

    if (!o->metrics || o->restarts == 0)
        return;
    metrics_use_row(o->metrics, index);
    metric_add(o->metrics, o->restarts, 1);
}

static void child_died(struct supervisor *s, struct child *c, int status)
{
    int64_t now = clock_monotonic_ms();
    char how[80], pid[24];

    snprintf(pid, sizeof pid, "%d", (int)c->pid);
    describe(status, how, sizeof how);
    c->pid = 0;
    if (s->options->metrics)
        metrics_clear_gauges(s->options->metrics, (unsigned)(c - s->children));
    if (s->stopping)
        return;
    count_restart(s, (unsigned)(c - s->children));
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIG) {
        log_error(LOG_WITH({ "child", pid }),
                  "child cannot work with this configuration, stopping");
        stop(s, EXIT_CONFIG);
        return;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_RELOAD) {
        c->due_ms = now;
        return;
    }
    c->deaths = now - c->born_ms >= HEALTHY_MS ? 1 : c->deaths + 1;
    if (c->deaths > DEATHS_IN_A_ROW_MAX) {
        log_error(LOG_WITH({ "child", pid }),
                  "child died %u times in a row (last: %s), stopping",
                  c->deaths, how);
        stop(s, 1);
        return;
    }
    c->due_ms = now + backoff_ms(c->deaths - 1, BACKOFF_BASE_MS,
                                 s->options->backoff_cap_ms > 0
                                     ? s->options->backoff_cap_ms
                                     : BACKOFF_CAP_MS);
    log_warning(LOG_WITH({ "child", pid }),
                "child died: %s; another one starts in %d ms", how,
                (int)(c->due_ms - now));
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (unsigned i = 0; i < s->count; i++) {
            if (s->children[i].pid == pid)
                child_died(s, &s->children[i], status);
        }
    }
}

static unsigned alive(const struct supervisor *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->count; i++)
        n += s->children[i].pid > 0;
    return n;
}

/* Forks what is due; returns how long nothing will be due. */
static int64_t tend(struct supervisor *s)
{
    int64_t now = clock_monotonic_ms();
    int64_t wait_ms = 1000;

    if (s->stopping) {
        if (now >= s->kill_ms)
            children_signal(s, SIGKILL);
        return s->kill_ms > now ? s->kill_ms - now : 100;
    }
    for (unsigned i = 0; i < s->count; i++) {
        struct child *c = &s->children[i];

        if (c->pid > 0)
            continue;
        if (c->due_ms <= now)
            child_fork(s, i);
        else if (c->due_ms - now < wait_ms)
            wait_ms = c->due_ms - now;
    }
    return wait_ms;
}

static void handle(struct supervisor *s, int signo)
{
    switch (signo) {
    case SIGTERM:
    case SIGINT:
        if (s->stopping) {
            log_warning(NULL, "asked twice, killing the children");
            children_signal(s, SIGKILL);
        }
        stop(s, 0);
        break;
    case SIGHUP:
    case SIGUSR1:
        children_signal(s, signo);
        break;
    default: /* SIGCHLD: reaped in every round */
        break;
    }
}

static void signals_take(struct supervisor *s)
{
    sigemptyset(&s->waited);
    sigaddset(&s->waited, SIGTERM);
    sigaddset(&s->waited, SIGINT);
    sigaddset(&s->waited, SIGHUP);
    sigaddset(&s->waited, SIGUSR1);
    sigaddset(&s->waited, SIGCHLD);
    sigprocmask(SIG_BLOCK, &s->waited, &s->before);
}

int supervisor_run(const struct supervisor_options *options)
{
    struct supervisor s = { .options = options, .parent = getpid() };

    s.count = options->processes + (options->admin ? 1 : 0);
    s.children = mem_zalloc(s.count * sizeof *s.children);
    signals_take(&s);
    for (;;) {
        int64_t wait_ms = tend(&s);
        struct timespec ts = { .tv_sec = (time_t)(wait_ms / 1000),
                               .tv_nsec = (long)(wait_ms % 1000 * 1000000) };
        int signo;

        if (s.stopping && alive(&s) == 0)
            break;
        signo = sigtimedwait(&s.waited, NULL, &ts);
        if (signo > 0)
            handle(&s, signo);
        reap(&s);
    }
    sigprocmask(SIG_SETMASK, &s.before, NULL);
    free(s.children);
    return s.exit_code;
}

void supervisor_watch_stop(struct loop *loop, loop_fn *fn, void *arg)
{
    /* PR_SET_PDEATHSIG turns the parent's death into SIGTERM */
    loop_on_signal(loop, SIGTERM, fn, arg);
    loop_on_signal(loop, SIGINT, fn, arg);
    signal(SIGPIPE, SIG_IGN);
}

unsigned supervisor_processors(void)
{
    cpu_set_t set;
    int n = 0;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}
