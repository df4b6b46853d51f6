#include "common/descriptors.h"

#include <sys/resource.h>

/* The limit that holds now; RLIM_INFINITY is the largest number.  Where it
 * cannot be known there is none. */
static rlim_t raise_limit(rlim_t wanted)
{
    struct rlimit limit;
    rlim_t before;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return RLIM_INFINITY;
    before = limit.rlim_cur;
    if (before >= wanted)
        return before;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

size_t descriptors_provide(size_t wanted, size_t others)
{
    rlim_t limit = raise_limit((rlim_t)wanted + others);
    rlim_t room = limit > 2 * (rlim_t)others ? limit - others : limit / 2;

    return room < wanted ? (size_t)room : wanted;
}
