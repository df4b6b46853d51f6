/* takeover.h - entries of workers that fell silent, and ours kept from that
 * fate.
 *
 * A heart-beat says of everything in hand that somebody is still working on it,
 * and looks for entries of the group that nobody has said this of for
 * `idle_ms`: they are claimed and handed out as if they had been read.
 */
#ifndef TAKEOVER_H
#define TAKEOVER_H

#include "common/loop.h"
#include "common/redis.h"
#include "worker/in_hand.h"

struct takeover;

/* Takes the entry. */
typedef void takeover_fn(struct entry *e, void *arg);

struct takeover_options {
    struct redis *redis; /* that does not block */
    const char *stream;
    const char *name; /* of the consumer */
    enum entry_kind kind;
    int64_t idle_ms;
    const struct in_hand *in_hand; /* what to keep alive; how much room */
    takeover_fn *fn;
    void *arg;
    struct metrics *metrics;
};

/* Begins at once.  Everything in the options is borrowed. */
struct takeover *takeover_new(struct loop *loop,
                              const struct takeover_options *options);
void takeover_free(struct takeover *t); /* accepts NULL */

/* Whether entries are taken over; what is in hand is kept alive all the same.
 */
void takeover_pause(struct takeover *t, bool paused);
/* Entries that were claimed may still be on their way. */
bool takeover_is_busy(const struct takeover *t);

#endif
