/* keeper.h - a small process between this program and Chromium.
 *
 * Chromium is a family of processes, sometimes behind a wrapper script, and
 * none of them may outlive us, however we die.  The keeper is their ancestor:
 * it holds one end of a socket pair, and when the other end is closed (which a
 * kill -9 does as well) it kills all of them, collects them and exits.  When
 * Chromium ends by itself the keeper does the same; its end of the pair being
 * closed tells us that nobody is left.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <sys/types.h>

#include "common/base.h"

struct keeper_options {
    const char *path;       /* of the program */
    char *const *arguments; /* ended by NULL, argv[0] included */
    int commands_fd;        /* becomes 3: the program reads commands */
    int messages_fd;        /* becomes 4: the program writes messages */
    int errors_fd;          /* becomes 2 */
};

struct keeper {
    pid_t pid; /* 0: none */
    int fd;    /* readable (end of file) once everything has ended */
};

/* The descriptors in `options` stay the caller's.  -1 with errno. */
MUST_USE int keeper_start(struct keeper *out,
                          const struct keeper_options *options);
/* Kills the family; `fd` becomes readable soon. */
void keeper_kill(struct keeper *k);
/* To be called once `fd` is at its end, or to wait for that: blocks until the
 * keeper is gone.  Writes how the program ended, in words. */
void keeper_reap(struct keeper *k, char *how, size_t how_size);

#endif
