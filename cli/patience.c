#include "cli/patience.h"

#include <time.h>

#include "common/clock.h"

static void interrupt_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
}

void patience_begin(struct patience *p, int64_t timeout_ms)
{
    sigset_t set;

    *p = (struct patience){ .deadline_ms = clock_monotonic_ms() + timeout_ms };
    interrupt_set(&set);
    sigprocmask(SIG_BLOCK, &set, &p->before);
}

void patience_end(struct patience *p)
{
    sigprocmask(SIG_SETMASK, &p->before, NULL);
}

void patience_renew(struct patience *p, int64_t timeout_ms)
{
    p->deadline_ms = clock_monotonic_ms() + timeout_ms;
}

int64_t patience_left_ms(const struct patience *p)
{
    int64_t left = p->deadline_ms - clock_monotonic_ms();

    return left > 0 ? left : 0;
}

/* Takes the signal if it comes within `ms`. */
static void listen_for_interrupt(struct patience *p, int64_t ms)
{
    struct timespec ts = { .tv_sec = (time_t)(ms / 1000),
                           .tv_nsec = (long)(ms % 1000 * 1000000) };
    sigset_t set;

    interrupt_set(&set);
    if (!p->interrupted && sigtimedwait(&set, NULL, &ts) == SIGINT)
        p->interrupted = true;
}

bool patience_is_over(struct patience *p)
{
    listen_for_interrupt(p, 0);
    return p->interrupted || patience_left_ms(p) == 0;
}

void patience_sleep(struct patience *p, int64_t ms)
{
    int64_t left = patience_left_ms(p);

    listen_for_interrupt(p, ms < left ? ms : left);
}
