/* waitaof.h - appending to a Redis that syncs its file only once a second.
 *
 * With appendfsync everysec Redis answers XADD before the entry is on disk.
 * From Redis 7.2 on WAITAOF tells when it is, and blocks the connection until
 * then; so these entries have a connection of their own.  One WAITAOF serves
 * all that were appended before it: webhooks are answered about once a second,
 * hundreds or thousands at a time.  (Redis documentation: WAITAOF.)
 */
#ifndef WAITAOF_H
#define WAITAOF_H

#include "common/loop.h"
#include "common/streams.h"

struct waitaof;

/* Connects to the same server as the health's connection; `url` has been parsed
 * before.  An append gets `deadline_ms` more than a sync may take. */
struct waitaof *waitaof_new(struct loop *loop, const char *url,
                            int64_t deadline_ms);
/* Outstanding callbacks run, without an id.  Accepts NULL. */
void waitaof_free(struct waitaof *w);

bool waitaof_is_up(const struct waitaof *w);

/* As stream_add(); `fn` gets the id when the entry is on disk. */
void waitaof_add(struct waitaof *w, const char *stream,
                 const struct stream_field *fields, size_t count,
                 stream_added_fn *fn, void *arg);

#endif
