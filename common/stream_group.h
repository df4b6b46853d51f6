/* stream_group.h - the consumer group of a stream: opened where it is missing,
 * and looked at in one instant.
 *
 * With the group begins a book of the ledger (sql/0013_ledger.sql): a consumer
 * that never reads, named
 *
 *     ledger:GONE:[ID:TIME   or   ledger:GONE:(ID:TIME
 *
 * where GONE entries had left the stream before, and the book begins with entry
 * ID, or after it.  Whatever loses the stream loses the book with it.  A group
 * without one (an earlier version made it) gets it while its stream is empty.
 */
#ifndef STREAM_GROUP_H
#define STREAM_GROUP_H

#include "common/base.h"
#include "common/redis.h"

/* All texts are ids, valid during the callback. */
struct stream_state {
    const char *book; /* NULL: none could be opened yet */
    int64_t now_us;   /* by redis's clock */
    int64_t added;    /* ever */
    int64_t length;
    const char *newest;    /* that was ever added */
    const char *delivered; /* the last that was handed out */
    const char *oldest;    /* that is still there; NULL: none is */
    const char **pending;  /* handed out, not acknowledged */
    size_t pending_count;
};

/* `state` is NULL, and `error` says why, when redis did not do it; `error` is
 * NULL when the connection was lost. */
typedef void stream_group_fn(const struct stream_state *state,
                             const char *error, void *arg);

/* Opens the group if it is missing, from the stream's beginning: whatever is
 * there was not yet recorded.  Forgets consumers that have nothing pending and
 * were not heard of for an hour.  Tells of at most `pending_max` pending ids;
 * when there are so many, there may be more. */
void stream_group_open(struct redis *r, const char *stream, size_t pending_max,
                       stream_group_fn *fn, void *arg);

/* Redis's clock was ahead and set back: what was handed out meanwhile would not
 * count as idle before time has caught up, and nobody could take over what a
 * dead worker has of it.  From now on all that is pending was handed out now.
 */
void stream_group_rejuvenate(struct redis *r, const char *stream);

/* Lets the next stream_group_open() that finds the stream empty open another
 * book.  The stream's next ids come after `after_id` (NULL: as they would). */
void stream_group_close_book(struct redis *r, const char *stream,
                             const char *book, const char *after_id);

#endif
