/* record_statement.h - the call of record_entries() (sql/0022_known_jobs.sql):
 * a batch of entries as the parameters of one statement. */
#ifndef RECORD_STATEMENT_H
#define RECORD_STATEMENT_H

#include "common/buf.h"
#include "common/db.h"
#include "worker/entry.h"

enum { RECORD_ARRAYS = 26 };

struct record_array {
    struct buf text;
    bool any; /* else the whole array is null, which costs nothing */
};

struct record_arrays {
    struct record_array items[RECORD_ARRAYS];
};

void record_arrays_init(struct record_arrays *a);
void record_arrays_release(struct record_arrays *a);

/* The rows of the answer are in the order of `entries`. Columns: */
enum record_column {
    RECORD_OUTCOME,
    RECORD_STATUS,
    RECORD_ATTEMPT,
    RECORD_PROGRESS,
};

void record_entries(struct db *db, struct record_arrays *a,
                    struct entry *const *entries, size_t count,
                    int64_t stale_after_ms, db_fn *fn, void *arg);

/* How many bytes the entry adds to a batch, roughly. */
size_t record_size(const struct entry *e);

#endif
