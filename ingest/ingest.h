/* ingest.h - the life of one ingest process, after the fork. */
#ifndef INGEST_H
#define INGEST_H

#include "common/metrics.h"
#include "ingest/gate.h"
#include "ingest/ingest_metrics.h"
#include "ingest/ingest_settings.h"
#include "ingest/rejected.h"

struct ingest_shared { /* made by the parent, read by the children */
    const struct ingest_settings *settings;
    const struct gate *gate; /* as it was when the program started */
    const struct ingest_series *series;
    struct metrics *metrics;
    struct rejected *rejected;
};

/* Both are supervisor_child_fn; `arg` is the struct ingest_shared. */
int ingest_child(unsigned index, void *arg);
int ingest_admin(unsigned index, void *arg);

#endif
