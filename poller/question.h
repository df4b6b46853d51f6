/* question.h - one question to a provider: what became of this job?
 *
 * An answer that ends the job goes down the webhook stream, as if it had come
 * by itself.  No usable answer is no harm: the job is due again when its lease
 * ends; but it counts against the provider (provider_answered() in sql/), which
 * is left alone for a while when there are too many of them.
 */
#ifndef QUESTION_H
#define QUESTION_H

#include "common/provider.h"

struct poller;

/* `fn` runs once, never from inside question_ask(). */
typedef void question_fn(const struct provider *provider, void *arg);

/* `id` is the provider's.  `failing`: it gave no usable answer last time, so
 * that a good one is news.  Texts are copied. */
void question_ask(struct poller *p, const struct provider *provider,
                  const char *job, const char *attempt, const char *id,
                  bool failing, question_fn *fn, void *arg);

#endif
