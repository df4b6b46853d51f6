/* chromium.h - one Chromium: its family of processes, from start to end.
 *
 * Its messages are devtools.h's business.  A Chromium is started once and ends
 * once; browser.h starts the next.
 */
#ifndef CHROMIUM_H
#define CHROMIUM_H

#include "capture/message_pipe.h"
#include "common/base.h"
#include "common/loop.h"

struct chromium;

struct chromium_options {
    const char *path;    /* of the program */
    const char *profile; /* its own directory; made new, removed at the end */
    bool sandbox;
    uint16_t proxy_port; /* of the filter proxy, the only way out */
};

/* No process of it is left; the last call.  `why` in words. */
typedef void chromium_gone_fn(const char *why, void *arg);

/* The callbacks never run from inside a call. */
MUST_USE int chromium_start(struct chromium **out, struct loop *loop,
                            const struct chromium_options *options,
                            message_fn *message, chromium_gone_fn *gone,
                            void *arg, char *error, size_t error_size);
/* Kills it if it still runs and waits for that; not from inside `message`. */
void chromium_free(struct chromium *c); /* accepts NULL */

/* Copies; never blocks. */
void chromium_send(struct chromium *c, const char *ptr, size_t len);
/* `gone` follows with `why`, of which only the first counts. */
void chromium_kill(struct chromium *c, const char *why);

/* The program to run: `wanted`, or where that is "" the first one that Debian
 * ships.  -1 when there is none. */
MUST_USE int chromium_find(const char *wanted, char *path, size_t path_size);

/* Can Chromium's sandbox work here?  `why` gets the reason when not. */
bool chromium_sandbox_works(const char **why);

#endif
