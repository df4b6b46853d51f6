/* queue.h - the entries that the poller appends to the streams. */
#ifndef QUEUE_H
#define QUEUE_H

#include "common/redis.h"

/* A job to be submitted (again). */
void queue_submit(struct redis *r, const char *job, const char *attempt);

/* A provider's answer, as if it had come by webhook. */
void queue_answer(struct redis *r, const char *provider, const char *job,
                  const char *attempt, const char *body, size_t body_len);

/* `verdict`: "lost" (the provider does not know the job) or "deadline". */
void queue_verdict(struct redis *r, const char *provider, const char *job,
                   const char *attempt, const char *verdict);

#endif
