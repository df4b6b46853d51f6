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

/* Half a percent of a second. */
enum { ACCESS_LOG_EXPLAINING_US = 5000 };

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
/* After that: is there time to look for an explanation?  Until
 * ACCESS_LOG_EXPLAINING_US of the window have gone into it, so the first one
 * always has it; say what it took. */
bool access_log_explains(const struct access_log *l);
void access_log_explained(struct access_log *l, int64_t us);
/* Shall this accepted webhook have one? */
bool access_log_accepted(struct access_log *l);

#endif
