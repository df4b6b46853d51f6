/* submission.h - giving wishes to api, as many at once as it takes.
 *
 * Each request has an Idempotency-Key, so that it can be made again when the
 * answer was lost: nothing is captured twice.
 */
#ifndef CLI_SUBMISSION_H
#define CLI_SUBMISSION_H

#include "cli/service.h"
#include "cli/wishes.h"

struct submission {
    struct service *service;
    struct patience *patience;
    /* of one wish that api does not take */
    void (*refused)(struct wish *w, const char *code, const char *reason,
                    void *arg);
    void *arg;
    size_t max_bytes; /* of a body; less when api says that it is too large */
    /* api has been there: that it is away now will pass, and is waited for */
    bool patient;
};

void submission_init(struct submission *s, struct service *service,
                     struct patience *patience);

/* Submits the first of `count` wishes, as many as go into one request, and
 * returns how many that were.  Sets `id` and `document` of those that were
 * accepted; *events gets the path of their events, owned by the caller, NULL
 * when there are none.  0: there is no use in going on, a complaint was made,
 * and *code is what to exit with. */
MUST_USE size_t submission_send(struct submission *s, struct wish *wishes,
                                size_t count, char **events, int *code);

#endif
