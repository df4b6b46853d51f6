#include "worker/reminder.h"

enum { EVERY_MS = 60 * 1000 };

bool reminder_due(struct reminder *r, int64_t now_ms)
{
    if (r->said && now_ms - r->said_ms < EVERY_MS)
        return false;
    *r = (struct reminder){ .said = true, .said_ms = now_ms };
    return true;
}

bool reminder_clear(struct reminder *r)
{
    bool said = r->said;

    *r = (struct reminder){ 0 };
    return said;
}
