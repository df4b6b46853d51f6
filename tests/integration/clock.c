/* clock.so - a wall clock that jumps, for any program.
 *
 * LD_PRELOADed; TORTURE_CLOCK names a file that holds how far the clock is off, in
 * nanoseconds (int64_t), and may be written at any time.  The monotonic clocks
 * stay as they are, as they do when somebody sets the time of a machine.
 *
 * libfaketime does more, and keeps semaphores for it that a process killed in
 * the wrong moment takes along: no tool for a test that kills.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t ns_per_s = 1000000000;
static const volatile int64_t *off_ns;
static int (*true_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void clock_open(void)
{
    const char *path = getenv("TORTURE_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page;

    if (fd < 0)
        return;
    page = mmap(NULL, sizeof *off_ns, PROT_READ, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED)
        off_ns = page;
    close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int64_t ns;
    int rc;

    if (!true_clock) /* others' constructors may come before ours */
        *(void **)&true_clock = dlsym(RTLD_NEXT, "clock_gettime");
    rc = true_clock(clock, t);
    if (rc != 0 || !off_ns ||
        (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return rc;
    ns = t->tv_sec * ns_per_s + t->tv_nsec + *off_ns;
    t->tv_sec = ns / ns_per_s;
    t->tv_nsec = ns % ns_per_s;
    return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec t;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    *tv = (struct timeval){ .tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000 };
    return 0;
}

time_t time(time_t *out)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}
