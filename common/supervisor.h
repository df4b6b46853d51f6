/* supervisor.h - a parent that forks N children and keeps them alive.
 *
 * The parent opens nothing that a child could inherit by mistake: fork first,
 * connect after.  A child that dies is forked again with back-off; exit code
 * EXIT_CONFIG ends the whole program, and so do too many deaths in a row; one
 * that ends with EXIT_RELOAD is forked again at once.  SIGHUP and SIGUSR1 are
 * handed on. SIGTERM and SIGINT are handed on; a second one kills; children
 * that outlive the grace time are killed.  Children die with the parent.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include "common/base.h"
#include "common/loop.h"
#include "common/metrics.h"

/* A child's whole life; the return value is its exit code. */
typedef int supervisor_child_fn(unsigned index, void *arg);

struct supervisor_options {
    unsigned processes;
    supervisor_child_fn *child;
    supervisor_child_fn *admin; /* one more child, index = processes; or NULL */
    void *arg;
    struct metrics *metrics; /* gauges of a dead child are cleared; or NULL */
    size_t restarts;         /* series that counts dead children; 0: none */
    int64_t grace_ms;
    int64_t backoff_cap_ms; /* before a dead child is forked again; 0: 10 s */
};

/* Returns the exit code of the program.  Blocks; signals are its own. */
int supervisor_run(const struct supervisor_options *options);

/* In a child: calls `stop` when the parent is gone or SIGTERM/SIGINT comes.
 * Single-process programs use it too. */
void supervisor_watch_stop(struct loop *loop, loop_fn *stop, void *arg);

/* The number of processors this process may use. */
unsigned supervisor_processors(void);

#endif
