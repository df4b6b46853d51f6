/* persistence.h - does a Redis keep what it acknowledges?
 *
 * It has to have appendonly, appendfsync always (or everysec, where it has
 * WAITAOF), and must not evict.  (Redis documentation: Persistence; Eviction.)
 */
#ifndef PERSISTENCE_H
#define PERSISTENCE_H

#include "common/redis.h"

struct persistence {
    struct redis *redis;
    loop_fn *judged; /* called when the rest of this is known */
    void *arg;
    char weakness[160]; /* why it may lose entries; "" if it won't */
    bool needs_waitaof; /* without it, it would */
    bool everysec;      /* its appendfsync */
};

/* Asks; `p` stays where it is until it is answered.  When the connection is
 * lost meanwhile, `judged` is not called. */
void persistence_ask(struct persistence *p, struct redis *redis,
                     loop_fn *judged, void *arg);

#endif
