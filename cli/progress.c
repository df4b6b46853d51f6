#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/output.h"
#include "common/clock.h"

enum { WIDTH_DEFAULT = 80, WIDTH_MIN = 40, REDRAW_MS = 100 };

void progress_init(struct progress *p, size_t total)
{
    const char *term = getenv("TERM");

    *p = (struct progress){ .total = total, .since_ms = clock_monotonic_ms() };
    p->shown = isatty(STDERR_FILENO) == 1 && term && strcmp(term, "dumb") != 0;
}

void progress_what(struct progress *p, const char *url, const char *status,
                   int64_t percent)
{
    char share[32] = "";

    if (percent >= 0)
        snprintf(share, sizeof share, " %" PRId64 " %%", percent);
    snprintf(p->what, sizeof p->what, "%s%s  %s", status, share, url);
    progress_draw(p);
}

/* As much of `what` as fits; a line that wraps could not be cleared. */
static size_t room_of(const struct progress *p, size_t used)
{
    struct winsize size = { 0 };
    size_t width = WIDTH_DEFAULT;
    size_t len = strlen(p->what);

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > WIDTH_MIN)
        width = size.ws_col;
    if (used + 1 >= width)
        return 0;
    return used + len < width ? len : width - used - 1;
}

/* "42 s", "1:23:04" */
static void put_time(char out[24], int64_t seconds)
{
    if (seconds < 60)
        snprintf(out, 24, "%" PRId64 " s", seconds);
    else if (seconds < 3600)
        snprintf(out, 24, "%" PRId64 ":%02" PRId64, seconds / 60, seconds % 60);
    else
        snprintf(out, 24, "%" PRId64 ":%02" PRId64 ":%02" PRId64,
                 seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static double rate_of(const struct progress *p, int64_t passed_ms)
{
    return passed_ms > 0 ? (double)p->done * 1e3 / (double)passed_ms : 0;
}

/* "3 of 10 done, 1 failed, 2.4/s, 12 s left  " */
static int put_head(const struct progress *p, char *out, size_t size)
{
    int64_t passed_ms = clock_monotonic_ms() - p->since_ms;
    double rate = rate_of(p, passed_ms);
    char failed[40] = "", times[64], time[24];

    if (p->failed > 0)
        snprintf(failed, sizeof failed, ", %zu failed", p->failed);
    if (p->total > 1 && p->done > 0 && p->done < p->total) {
        put_time(time, (int64_t)((double)(p->total - p->done) / rate) + 1);
        snprintf(times, sizeof times, "%.1f/s, %s left", rate, time);
    } else {
        put_time(time, passed_ms / 1000);
        snprintf(times, sizeof times, "%s", time);
    }
    return snprintf(out, size, "%zu of %zu done%s, %s  ", p->done, p->total,
                    failed, times);
}

void progress_draw(void *progress)
{
    static const char frames[] = "|/-\\";
    struct progress *p = progress;
    char head[160];
    char what[sizeof p->what];
    int64_t now_ms = clock_monotonic_ms();
    int used;

    if (!p->shown || now_ms - p->drawn_ms < REDRAW_MS)
        return;
    p->drawn_ms = now_ms;
    used = put_head(p, head, sizeof head) + 2;
    snprintf(what, sizeof what, "%.*s", (int)room_of(p, (size_t)used), p->what);
    fprintf(stderr, "\r\033[K%c %s", frames[p->frame++ % (sizeof frames - 1)],
            head);
    output_safely(stderr, what);
    fflush(stderr);
}

void progress_sum_up(struct progress *p)
{
    int64_t passed_ms = clock_monotonic_ms() - p->since_ms;
    char time[24];

    progress_clear(p);
    put_time(time, passed_ms / 1000);
    fprintf(stderr, "%zu of %zu completed, %zu failed, in %s (%.1f/s)\n",
            p->done - p->failed, p->total, p->failed, time,
            rate_of(p, passed_ms));
}

void progress_clear(struct progress *p)
{
    if (!p->shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
}
