/* survey.h - what lies on the streams, looked at before each round.
 *
 * Of several servers those that are up are seen; what lies on one that is down
 * may be appended again elsewhere, which changes nothing when it is back.
 */
#ifndef SURVEY_H
#define SURVEY_H

#include "common/shards.h"

struct survey {
    int64_t oldest_submit_ms; /* INT64_MAX: no entry; -1: no server answered */
    int64_t webhooks;         /* entries; 0 also when no server answered */
    int64_t callbacks;
};

typedef void survey_fn(const struct survey *survey, void *arg);

/* Answers once; at the latest when every server's deadline is over. */
void survey_start(struct shards *shards, survey_fn *fn, void *arg);

#endif
