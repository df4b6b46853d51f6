/* load.h - is this Redis too full for one more webhook?
 *
 * Judged before things break, by what the server said of itself at the last
 * look.  Pure.
 */
#ifndef LOAD_H
#define LOAD_H

#include "ingest/ingest_metrics.h"
#include "ingest/ingest_settings.h"

struct load {
    int64_t memory_bytes, memory_limit_bytes; /* 0: no limit */
    int64_t length;                           /* of the stream */
    int64_t oldest_ms;                        /* INT64_MAX: it is empty */
};

/* Of the oldest webhook, in whole seconds; 0 when there is none. */
int64_t load_age_s(const struct load *l, int64_t now_ms);
/* Of the memory's limit, rounded down; 0 without one. */
int64_t load_memory_percent(const struct load *l);

enum { LOAD_REASON_SIZE = 160 };
/* At one of the limits that the settings have, or beyond: with `why` and a
 * `reason` for the log, which is "" otherwise. */
MUST_USE bool load_is_too_much(const struct load *l,
                               const struct ingest_settings *settings,
                               int64_t now_ms, enum unavailable *why,
                               char reason[LOAD_REASON_SIZE]);

#endif
