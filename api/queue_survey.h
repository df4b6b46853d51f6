/* queue_survey.h - what waits in Redis, in numbers.
 *
 * Asks every Redis that is up, all at once; what does not answer counts as
 * nothing, and shows in redis_is_up().
 */
#ifndef API_QUEUE_SURVEY_H
#define API_QUEUE_SURVEY_H

#include "common/shards.h"

enum { QUEUE_STREAMS = 3 };

struct queue_numbers {
    struct {
        const char *name;
        int64_t length;    /* on all servers */
        int64_t oldest_ms; /* when its entry was appended; INT64_MAX: none */
    } streams[QUEUE_STREAMS];
};

struct queue_survey;
typedef void queue_survey_fn(const struct queue_numbers *n, void *arg);

/* `fn` runs once, from the loop or from inside this, unless it is abandoned. */
struct queue_survey *queue_survey_new(queue_survey_fn *fn, void *arg);
void queue_survey_start(struct queue_survey *s, struct shards *shards);
/* Nobody waits for it any more. */
void queue_survey_abandon(void *survey);

#endif
