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
    p->drawn_ms = 0;
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
    if (used + len >= width)
        len = width - used - 1;
    return len;
}

void progress_draw(void *progress)
{
    static const char frames[] = "|/-\\";
    struct progress *p = progress;
    char head[64];
    char what[sizeof p->what];
    int64_t now_ms = clock_monotonic_ms();
    int used;

    if (!p->shown || now_ms - p->drawn_ms < REDRAW_MS)
        return;
    p->drawn_ms = now_ms;
    used = snprintf(head, sizeof head, "%c %zu of %zu done, %" PRId64 " s  ",
                    frames[p->frame++ % (sizeof frames - 1)], p->done, p->total,
                    (now_ms - p->since_ms) / 1000);
    snprintf(what, sizeof what, "%.*s", (int)room_of(p, (size_t)used), p->what);
    fprintf(stderr, "\r\033[K%s", head);
    output_safely(stderr, what);
    fflush(stderr);
}

void progress_clear(struct progress *p)
{
    if (!p->shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
}
