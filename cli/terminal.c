#include "cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/clock.h"

/* xterm's control sequences, which every terminal of today knows. */
#define ALTERNATE_ON "\033[?1049h"
#define ALTERNATE_OFF "\033[?1049l"
#define CURSOR_OFF "\033[?25l"
#define CURSOR_ON "\033[?25h"
#define WRAP_OFF "\033[?7l"
#define WRAP_ON "\033[?7h"
#define HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_BELOW "\033[J"

enum { HEIGHT_DEFAULT = 24, POLL_MS = 100, CTRL_C = 3, ESCAPE = 27 };

bool terminal_is_there(void)
{
    const char *term = getenv("TERM");

    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && term &&
           strcmp(term, "dumb") != 0;
}

static void signals_to_wait_for(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

void terminal_begin(struct terminal *t)
{
    struct termios keys;
    sigset_t signals;

    signals_to_wait_for(&signals);
    sigprocmask(SIG_BLOCK, &signals, &t->signals_before);
    tcgetattr(STDIN_FILENO, &t->before);
    keys = t->before;
    keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    keys.c_cc[VMIN] = 0;
    keys.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    fputs(ALTERNATE_ON CURSOR_OFF WRAP_OFF, stdout);
    fflush(stdout);
}

void terminal_end(struct terminal *t)
{
    fputs(WRAP_ON CURSOR_ON ALTERNATE_OFF, stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
    sigprocmask(SIG_SETMASK, &t->signals_before, NULL);
}

unsigned terminal_height(void)
{
    struct winsize size = { 0 };

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        return size.ws_row;
    return HEIGHT_DEFAULT;
}

void terminal_draw(const char *ptr, size_t len)
{
    unsigned height = terminal_height();
    const char *end = ptr + len;

    fputs(HOME, stdout);
    for (unsigned row = 0; row < height && ptr < end; row++) {
        const char *newline = memchr(ptr, '\n', (size_t)(end - ptr));
        size_t n = (size_t)((newline ? newline : end) - ptr);

        fputs(row > 0 ? "\r\n" : "", stdout);
        fwrite(ptr, 1, n, stdout);
        fputs(CLEAR_LINE, stdout);
        ptr += n + 1;
    }
    fputs(CLEAR_BELOW, stdout);
    fflush(stdout);
}

static bool signal_waits(void)
{
    sigset_t pending;

    sigpending(&pending);
    return sigismember(&pending, SIGTERM) || sigismember(&pending, SIGHUP);
}

static bool key_leaves(void)
{
    char key = 0;
    ssize_t n = read(STDIN_FILENO, &key, 1);

    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return true; /* the terminal is gone */
    return n == 1 && (key == 'q' || key == CTRL_C || key == ESCAPE);
}

bool terminal_is_left(int64_t ms)
{
    int64_t until_ms = clock_monotonic_ms() + ms;
    int64_t left_ms = ms;

    while (left_ms > 0) {
        struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };
        int rc = poll(&keys, 1, (int)(left_ms < POLL_MS ? left_ms : POLL_MS));

        if (signal_waits() || (rc > 0 && key_leaves()))
            return true;
        left_ms = until_ms - clock_monotonic_ms();
    }
    return signal_waits();
}
