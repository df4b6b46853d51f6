/* submission.h - handing one capture to its provider, as the profile says.
 *
 * Judging the provider's answer; submission_request.h makes the request.
 */
#ifndef SUBMISSION_H
#define SUBMISSION_H

#include "common/http_client.h"
#include "common/provider.h"
#include "worker/entry.h"

/* Is the answer itself the picture?  Then the capture is completed. */
bool submission_is_picture(const struct http_answer *answer);
/* Any other answer: sets the entry's result to submitted, failed or postponed.
 * The answer must be that of the request for `e`. */
void submission_judge(struct entry *e, const struct provider *p,
                      const struct http_answer *answer);

#endif
