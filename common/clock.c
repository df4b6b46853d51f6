#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    char date[sizeof "2026-01-31T12:00:00"];
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, CLOCK_TEXT_SIZE, "%s.%03dZ", date, (int)(wall_ms % 1000));
}

int64_t backoff_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms)
{
    int64_t high = base_ms;
    uint64_t random = 0;

    while (attempt-- > 0 && high < cap_ms)
        high *= 2;
    if (high > cap_ms)
        high = cap_ms;
    if (high <= base_ms / 2)
        return high;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
        random = (uint64_t)read_us(CLOCK_MONOTONIC);
    return base_ms / 2 + (int64_t)(random % (uint64_t)(high - base_ms / 2 + 1));
}
