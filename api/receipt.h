/* receipt.h - what a user is told who has submitted captures. */
#ifndef API_RECEIPT_H
#define API_RECEIPT_H

#include "api/exchange.h"

struct receipt {
    const char *batch; /* id, or NULL: one capture, alone */
    const char *submitted_at;
    const char *jobs;     /* "{ID,…}", those that were accepted, in order */
    const char *refusals; /* JSON array of problems and nulls; NULL: none */
    bool replayed;        /* was answered before, to the same key */
};

void receipt_reply(struct exchange *x, const struct receipt *r);

/* Calls `fn` for each id in "{ID,…}". */
typedef void receipt_job_fn(struct api *a, const char *job);
void receipt_each(struct api *a, const char *jobs, receipt_job_fn *fn);

#endif
