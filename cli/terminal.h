/* terminal.h - a full screen that is drawn anew again and again.
 *
 * The other screen of the terminal is used, so that what was there comes back;
 * keys arrive one by one, Ctrl-C among them.  SIGTERM and SIGHUP wait until the
 * screen has been given back.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <signal.h>
#include <termios.h>

#include "common/base.h"

struct terminal {
    struct termios before;
    sigset_t signals_before;
};

/* Are standard input and output a terminal that can do this? */
bool terminal_is_there(void);
void terminal_begin(struct terminal *t);
void terminal_end(struct terminal *t);

unsigned terminal_height(void); /* rows */
/* Shows these lines, cut at the right edge, in place of those before. */
void terminal_draw(const char *ptr, size_t len);
/* Waits for a key or a signal: true when the person, or somebody else, wants it
 * to end (q, Esc, Ctrl-C, SIGTERM, SIGHUP). */
bool terminal_is_left(int64_t ms);

#endif
