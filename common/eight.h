/* eight.h - eight bytes at a time, for scans over outside bytes that would show
 * in a profile.
 *
 * Each test is of all eight: not 0 when one of them is meant.  Who finds one
 * looks at them singly.
 */
#ifndef EIGHT_H
#define EIGHT_H

#include <string.h>

#include "common/base.h"

#define EIGHT_ONES UINT64_C(0x0101010101010101)
#define EIGHT_TOPS UINT64_C(0x8080808080808080)

static inline uint64_t eight_load(const void *ptr)
{
    uint64_t x;

    memcpy(&x, ptr, sizeof x);
    return x;
}

/* Is one below `limit`, which is at most 0x80? */
static inline uint64_t eight_below(uint64_t x, unsigned char limit)
{
    return (x - EIGHT_ONES * limit) & ~x & EIGHT_TOPS;
}

/* Is one of them `c`? */
static inline uint64_t eight_has(uint64_t x, unsigned char c)
{
    return eight_below(x ^ EIGHT_ONES * c, 1);
}

/* Is one no ASCII? */
static inline uint64_t eight_high(uint64_t x)
{
    return x & EIGHT_TOPS;
}

#endif
