#include "ingest/access_log.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/mem.h"

struct access_log {
    struct access_log_options options;
    struct loop_timer *window; /* runs from the first refusal on */
    int64_t lines;             /* in this window */
    int64_t untold;
    int64_t explaining_us;
    int64_t accepted; /* since the last one with a line */
};

static void end_window(void *arg)
{
    struct access_log *l = arg;

    if (l->untold > 0)
        log_info(NULL, "and %" PRId64 " more refusals, without a line each",
                 l->untold);
    l->lines = 0;
    l->untold = 0;
    l->explaining_us = 0;
}

struct access_log *access_log_new(struct loop *loop,
                                  const struct access_log_options *options)
{
    struct access_log *l = mem_zalloc(sizeof *l);

    l->options = *options;
    if (l->options.window_ms == 0)
        l->options.window_ms = 1000;
    l->window = loop_timer_new(loop, end_window, l);
    return l;
}

void access_log_free(struct access_log *l)
{
    if (!l)
        return;
    end_window(l);
    loop_timer_free(l->window);
    free(l);
}

bool access_log_refusal(struct access_log *l)
{
    if (!loop_timer_running(l->window))
        loop_timer_start(l->window, l->options.window_ms);
    if (l->lines < l->options.refusals) {
        l->lines++;
        return true;
    }
    l->untold++;
    return false;
}

bool access_log_explains(const struct access_log *l)
{
    return l->explaining_us < ACCESS_LOG_EXPLAINING_US;
}

void access_log_explained(struct access_log *l, int64_t us)
{
    l->explaining_us += us;
}

bool access_log_accepted(struct access_log *l)
{
    if (l->options.sample == 0 || ++l->accepted < l->options.sample)
        return false;
    l->accepted = 0;
    return true;
}
