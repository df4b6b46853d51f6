/* queue.h - the entries that the poller appends to the streams.
 *
 * Whatever is not appended is not lost: the row is due again when its lease
 * ends.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include "common/shards.h"
#include "common/streams.h"

/* Any entry, to the next server that is up. */
void queue_add(struct shards *s, const char *stream,
               const struct stream_field *fields, size_t count);

/* A job to be submitted (again). */
void queue_submit(struct shards *s, const char *job, const char *attempt);

/* A provider's answer, as if it had come by webhook. */
void queue_answer(struct shards *s, const char *provider, const char *job,
                  const char *attempt, const char *body, size_t body_len);

/* `verdict`: "lost" (the provider does not know the job) or "deadline". */
void queue_verdict(struct shards *s, const char *provider, const char *job,
                   const char *attempt, const char *verdict);

#endif
