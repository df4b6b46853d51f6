/* redis.h - one connection to Redis that comes back by itself.
 *
 * hiredis async in the loop.  Every command's callback runs exactly once: with
 * the reply, or with NULL when the connection was lost or is not there; a NULL
 * leaves open whether Redis executed the command.  A command that has waited
 * longer than `deadline_ms` for its reply means a half-open socket: the
 * connection is dropped and made anew (with jittered back-off).
 *
 * Only redis.c, streams.c, stream_group.c, worker/consumer.c, worker/entry.c,
 * ingest/health.c, ingest/persistence.c, ingest/waitaof.c, poller/refusals.c,
 * poller/clean_consumers.c and api/live.c look into a redisReply.
 */
#ifndef REDIS_H
#define REDIS_H

#include "common/base.h"
#include "common/loop.h"

struct redis;
struct redisReply;

/* `reply` is valid during the callback only. */
typedef void redis_fn(const struct redisReply *reply, void *arg);
/* Told at every change, up or down. */
typedef void redis_state_fn(bool up, void *arg);

/* `url`: redis://[[user]:password@]host[:port][/db] or unix:/path[?db=N].
 * Never blocks; NULL with `error` only when the URL is wrong.  The connection
 * is made when the loop runs. */
struct redis *redis_new(struct loop *loop, const char *url, int64_t deadline_ms,
                        char *error, size_t error_size);
/* Outstanding callbacks run with NULL. */
void redis_free(struct redis *r); /* accepts NULL */

void redis_on_state(struct redis *r, redis_state_fn *fn, void *arg);
bool redis_is_up(const struct redis *r);
/* Commands sent and not yet answered. */
size_t redis_outstanding(const struct redis *r);
/* Why it is down, in words; "" while up. */
const char *redis_error(const struct redis *r);
/* "host:port/db" or the socket's path; never the password. */
const char *redis_name(const struct redis *r);

struct redis_arg {
    const char *ptr;
    size_t len;
};

#define REDIS_TEXT(s) ((struct redis_arg){ (s), strlen(s) })

/* Arguments are copied.  `fn` may be NULL.  While the connection is down the
 * callback runs with NULL from inside this call. */
void redis_command(struct redis *r, redis_fn *fn, void *arg, size_t argc,
                   const struct redis_arg *argv);

/* The error text of an error reply, NULL for any other reply. */
const char *redis_reply_error(const struct redisReply *reply);

#endif
