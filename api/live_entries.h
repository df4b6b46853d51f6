/* live_entries.h - entries of the live stream, as Redis hands them over.
 *
 * Anybody who may write to Redis may put anything there: what is not ours is
 * read as an entry without a capture.  Pure.
 */
#ifndef API_LIVE_ENTRIES_H
#define API_LIVE_ENTRIES_H

#include "api/history.h"

struct redisReply;

struct live_entry {
    struct entry_id id;
    char job[HISTORY_JOB_SIZE]; /* "" when it is none of ours */
};

/* The entries in an answer to XREAD, at most `max` of them; 0 when nothing
 * came. */
size_t live_entries_read(const struct redisReply *reply, struct live_entry *out,
                         size_t max);
/* Of one entry; false when it is none. */
MUST_USE bool live_entry_id(const struct redisReply *entry,
                            struct entry_id *id);

#endif
