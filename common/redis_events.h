/* redis_events.h - hiredis in the loop.
 *
 * Stands in for hiredis's own adapter, which asks epoll about each write and
 * takes each read out of it and back in: commands of one turn leave together at
 * its end, and the socket is watched for writing only when it was full.
 */
#ifndef REDIS_EVENTS_H
#define REDIS_EVENTS_H

#include "common/loop.h"

struct redisAsyncContext;

/* Right after the connect; hiredis ends it together with `context`. */
void redis_events_attach(struct redisAsyncContext *context, struct loop *loop);

#endif
