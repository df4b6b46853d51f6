/* descriptors.h - how many files and sockets this process may have open. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include "common/base.h"

/* Raises the soft limit (RLIMIT_NOFILE) to `wanted`, or as far as the hard
 * limit lets it; never lowers it.  Returns the limit that holds now.  Children
 * inherit it. */
size_t descriptors_raise(size_t wanted);

#endif
