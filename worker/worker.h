/* worker.h - the life of one worker process, after the fork. */
#ifndef WORKER_H
#define WORKER_H

#include "common/metrics.h"
#include "worker/pace.h"
#include "worker/worker_config.h"

struct worker_shared { /* made by the parent, read by the children */
    const struct worker_config *config; /* as it was when the program started */
    struct metrics *metrics;
    struct paces *paces;
};

/* Both are supervisor_child_fn; `arg` is the struct worker_shared. */
int worker_child(unsigned index, void *arg);
int worker_admin(unsigned index, void *arg);

#endif
