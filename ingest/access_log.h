/* access_log.h - lines about requests, so few that no flood fills a disk.
 *
 * Every refusal gets a line, up to so many a second; what is beyond is counted
 * and told of in one line when the second is over.  Of accepted webhooks every
 * so many-th gets one.
 */
#ifndef ACCESS_LOG_H
#define ACCESS_LOG_H

#include "common/loop.h"

struct access_log;

struct access_log_options {
    int64_t refusals;  /* lines in a window */
    int64_t window_ms; /* 0: a second */
    int64_t sample;    /* one accepted webhook in so many; 0: none */
};

struct access_log *access_log_new(struct loop *loop,
                                  const struct access_log_options *options);
void access_log_free(struct access_log *l); /* accepts NULL */

/* May this refusal have its line? */
bool access_log_refusal(struct access_log *l);
/* After that: is it the first one of its window that asks for an explanation,
 * which costs time to find? */
bool access_log_explains(struct access_log *l);
/* Shall this accepted webhook have one? */
bool access_log_accepted(struct access_log *l);

#endif
