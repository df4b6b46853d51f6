/* submission.h - handing one capture to its provider, as the profile says.
 *
 * Pure on both sides of the HTTP call: making the request's body, and judging
 * the answer.
 */
#ifndef SUBMISSION_H
#define SUBMISSION_H

#include "common/http_client.h"
#include "common/provider.h"
#include "worker/entry.h"

/* The request body (JSON text, the caller frees); NULL with `error` when the
 * job's options are no JSON object. */
char *submission_body(const struct provider *p, const struct job *job,
                      const char *webhook_url, char *error, size_t error_size);

/* Sets the entry's result: submitted, completed (the answer is the picture),
 * failed or postponed.  The answer must be that of the request for `e`. */
void submission_judge(struct entry *e, const struct provider *p,
                      struct store *store, const struct http_answer *answer);

#endif
