#include "thumbnail/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum {
    /* The largest picture that is held whole, 256 MiB, twice over. */
    MEMORY_BYTES = 512 * 1024 * 1024,
    OUTPUT_BYTES = 1024 * 1024,
    CPU_S = 5,
    /* Whoever waits for a thumbnail waits behind those who wait for more. */
    NICENESS = 10,
};

#ifdef __SANITIZE_ADDRESS__
enum { IS_SANITIZED = true };
#else
enum { IS_SANITIZED = false };
#endif

static const int allowed[] = {
    SCMP_SYS(write),        SCMP_SYS(munmap),        SCMP_SYS(mremap),
    SCMP_SYS(brk),          SCMP_SYS(madvise),       SCMP_SYS(exit),
    SCMP_SYS(exit_group),   SCMP_SYS(futex),         SCMP_SYS(getrandom),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(clock_gettime),
};

static int limit(int resource, rlim_t most, rlim_t last)
{
    const struct rlimit r = { most, last };

    return setrlimit(resource, &r);
}

static int set_limits(void)
{
    /* AddressSanitizer maps terabytes */
    if ((!IS_SANITIZED && limit(RLIMIT_AS, MEMORY_BYTES, MEMORY_BYTES) != 0) ||
        limit(RLIMIT_FSIZE, OUTPUT_BYTES, OUTPUT_BYTES) != 0 ||
        limit(RLIMIT_CPU, CPU_S, CPU_S + 1) != 0 || /* SIGXCPU, SIGKILL */
        limit(RLIMIT_CORE, 0, 0) != 0 ||
        setpriority(PRIO_PROCESS, 0, NICENESS) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return -1;
    return 0;
}

/* -errno, as libseccomp has it. */
static int set_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int result = filter ? 0 : -ENOMEM;

    for (size_t i = 0; i < ARRAY_LEN(allowed) && result == 0; i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    if (result == 0 && IS_SANITIZED) /* looks at it before longjmp() */
        result =
            seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sigaltstack), 0);
    if (result == 0) /* memory, but none that can be executed */
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (result == 0)
        result = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    return result;
}

int sandbox_enter(char *error, size_t error_size)
{
    int result;

    if (set_limits() != 0) {
        snprintf(error, error_size, "could not limit this process: %s",
                 strerror(errno));
        return -1;
    }
    result = set_filter();
    if (result != 0) {
        snprintf(error, error_size, "could not set the seccomp filter: %s",
                 strerror(-result));
        return -1;
    }
    return 0;
}
