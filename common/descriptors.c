#include "common/descriptors.h"

#include <sys/resource.h>

size_t descriptors_raise(size_t wanted)
{
    struct rlimit limit;
    rlim_t before;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    before = limit.rlim_cur; /* RLIM_INFINITY is the largest rlim_t */
    if (before < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            limit.rlim_cur = before;
    }
    return limit.rlim_cur;
}
