/* descriptors.h - how many files and sockets this process may have open. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include "common/base.h"

/* Makes room for `wanted` descriptors beside `others`: raises the soft limit
 * (RLIMIT_NOFILE) if it must and the hard limit lets it; never lowers it.
 * Children inherit it.  Returns how many of the wanted ones there is room for:
 * what `others` leave, but at least half of all. */
size_t descriptors_provide(size_t wanted, size_t others);

#endif
