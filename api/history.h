/* history.h - the last entries of one live stream, to replay what a client
 * missed.
 *
 * Holds which capture changed, not how: whoever comes back gets the present
 * documents of those that changed meanwhile.  Pure.
 */
#ifndef API_HISTORY_H
#define API_HISTORY_H

#include "api/position.h"

/* As many as the stream itself is sure to keep. */
enum { HISTORY_ENTRIES = STREAM_CAPPED_LENGTH, HISTORY_JOB_SIZE = 37 };

struct history_entry {
    struct entry_id id;
    char job[HISTORY_JOB_SIZE];
};

struct history {
    struct history_entry *ring;
    size_t first, count;
    struct entry_id floor; /* all that came behind it is here */
    struct entry_id last;
};

void history_init(struct history *h);
void history_release(struct history *h);
/* Forgets everything: what came up to `floor` is not known. */
void history_clear(struct history *h, struct entry_id floor);

/* `id` is greater than all before; `job` is a UUID, or NULL for an entry that
 * says nothing. */
void history_add(struct history *h, struct entry_id id, const char *job);

/* Calls `fn` for each entry behind `since`, oldest first.  -1 without a call
 * when they are not all here, or `since` is of the future. */
typedef void history_fn(const char *job, void *arg);
MUST_USE int history_since(const struct history *h, struct entry_id since,
                           history_fn *fn, void *arg);

#endif
