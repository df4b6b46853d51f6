/* patience.h - waiting with an end: a deadline, and Ctrl-C.
 *
 * SIGINT is blocked while a patience lasts and asked for where we wait, so that
 * nothing is interrupted in the middle and no handler is needed.
 */
#ifndef CLI_PATIENCE_H
#define CLI_PATIENCE_H

#include <signal.h>

#include "common/base.h"

struct patience {
    int64_t deadline_ms; /* clock_monotonic_ms() */
    bool interrupted;    /* Ctrl-C came */
    sigset_t before;
};

void patience_begin(struct patience *p, int64_t timeout_ms);
void patience_end(struct patience *p);
/* From now on it lasts so long. */
void patience_renew(struct patience *p, int64_t timeout_ms);

int64_t patience_left_ms(const struct patience *p); /* 0: none */
/* Has Ctrl-C come, or the deadline? */
bool patience_is_over(struct patience *p);
/* Sleeps that long, or until it is over. */
void patience_sleep(struct patience *p, int64_t ms);

#endif
