/* sandbox.h - from here on this process computes, writes what it has open, and
 * ends.
 *
 * No file and no socket can be opened, no process started, no memory made
 * executable: a system call that is not on the short list kills the process
 * (seccomp).  Memory, time and output have limits.  It dies with its parent.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "common/base.h"

/* -1 with a reason: the process must not go on. */
MUST_USE int sandbox_enter(char *error, size_t error_size);

#endif
