/* progress.h - one line of life on standard error, when that is a terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "common/base.h"

struct progress {
    bool shown;                 /* is standard error a terminal? */
    size_t done, failed, total; /* `done` counts those that failed, too */
    int64_t since_ms;
    int64_t drawn_ms;
    char what[160]; /* the present one */
    unsigned frame;
};

void progress_init(struct progress *p, size_t total);
void progress_what(struct progress *p, const char *url, const char *status,
                   int64_t percent /* -1: not known */);
/* Draws it anew, if a while has passed; a service_tick. */
void progress_draw(void *progress);
/* Before anything else is written. */
void progress_clear(struct progress *p);
/* What has become of all of them, in one line that stays, on any standard
 * error. */
void progress_sum_up(struct progress *p);

#endif
