/* clock.h - the two clocks.
 *
 * Wall time for what people and other machines see; monotonic time for every
 * duration and deadline inside one process.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include "common/base.h"

int64_t clock_wall_ms(void);      /* since the Unix epoch */
int64_t clock_monotonic_ms(void); /* since some fixed instant */
int64_t clock_monotonic_us(void);

/* "2026-01-31T12:00:00.123Z" */
enum { CLOCK_TEXT_SIZE = 32 };
void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);

/* Exponential back-off with full jitter: a random wait in
 * [base/2, min(cap, base * 2^attempt)], attempt counting from 0. */
int64_t backoff_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms);

#endif
