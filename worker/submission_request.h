/* submission_request.h - the HTTP request that hands one capture to its
 * provider, made as the profile says.  Pure. */
#ifndef SUBMISSION_REQUEST_H
#define SUBMISSION_REQUEST_H

#include "common/provider.h"
#include "worker/entry.h"

struct submission_request {
    char *url;
    char *body;     /* NULL: everything is in the URL */
    char **headers; /* lines, ended by NULL; NULL when there is none */
    size_t header_count;
};

/* -1 with `error` when the job's options are no JSON object.  Release in either
 * case. */
MUST_USE int submission_request_init(struct submission_request *r,
                                     const struct provider *p,
                                     const struct job *job,
                                     const char *webhook_url, char *error,
                                     size_t error_size);
void submission_request_release(struct submission_request *r);

#endif
