/* in_hand.h - the entries that a consumer has handed out and not got back.
 *
 * Bounded in number and, give or take one read, in bytes: never more than can
 * be finished.  Owned by the consumer alone; whoever works on an entry keeps it
 * here until it is acknowledged.
 */
#ifndef IN_HAND_H
#define IN_HAND_H

#include "common/metrics.h"
#include "worker/entry.h"

struct in_hand {
    struct entry *first; /* linked by next_held, prev_held */
    size_t count;
    size_t count_max;
    size_t bytes;
    size_t usual_bytes; /* of an entry, by the last read */
    struct metrics *metrics;
};

void in_hand_init(struct in_hand *h, size_t count_max, struct metrics *metrics);
void in_hand_release(struct in_hand *h); /* frees what is still there */

/* Takes the entry. */
void in_hand_add(struct in_hand *h, struct entry *e);
/* Frees the entry. */
void in_hand_remove(struct in_hand *h, struct entry *e);
/* A read brought so many entries of so many bytes altogether. */
void in_hand_expect(struct in_hand *h, size_t count, size_t bytes);

/* How many more entries there is room for. */
size_t in_hand_room(const struct in_hand *h);
bool in_hand_has(const struct in_hand *h, const char *id);

#endif
