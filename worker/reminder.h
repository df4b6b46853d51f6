/* reminder.h - a trouble that the log hears of at once, and once a minute while
 * it lasts.
 */
#ifndef REMINDER_H
#define REMINDER_H

#include "common/base.h"

struct reminder { /* zeroed: no trouble */
    bool said;
    int64_t said_ms;
};

/* There is trouble: is it time to say so?  By the monotonic clock. */
bool reminder_due(struct reminder *r, int64_t now_ms);
/* It is over.  Was anything said? */
bool reminder_clear(struct reminder *r);

#endif
