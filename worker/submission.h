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

/* Is the answer itself the picture?  Then the capture is completed. */
bool submission_is_picture(const struct http_answer *answer);
/* Any other answer: sets the entry's result to submitted, failed or postponed.
 * The answer must be that of the request for `e`. */
void submission_judge(struct entry *e, const struct provider *p,
                      const struct http_answer *answer);

#endif
