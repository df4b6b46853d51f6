/* position.h - how far the live streams have been told: the ids of events.
 *
 * One entry id for each Redis, in the order of REDIS_URL:
 * "1700000000000-0" with one server, "1700000000000-0,1700000000042-1" with
 * two. So any api process understands the ids that another one gave.  Pure.
 */
#ifndef API_POSITION_H
#define API_POSITION_H

#include "common/base.h"
#include "common/shards.h"
#include "common/streams.h"

struct entry_id {
    uint64_t ms;
    uint64_t n;
};

struct position {
    struct entry_id at[SHARDS_MAX];
    size_t count;
};

enum { POSITION_TEXT_SIZE = SHARDS_MAX * STREAM_ID_SIZE };

/* <0, 0, >0 as memcmp(). */
int entry_id_compare(struct entry_id a, struct entry_id b);
/* Digits, "-", digits; returns how many bytes they are, 0 when it is none. */
size_t entry_id_parse(const char *text, struct entry_id *out);

void position_format(const struct position *p, char out[POSITION_TEXT_SIZE]);
/* False unless it is one id for each of `count` servers. */
MUST_USE bool position_parse(const char *text, size_t count,
                             struct position *out);

#endif
