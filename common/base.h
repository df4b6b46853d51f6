/* base.h - the few words that every file uses. */
#ifndef BASE_H
#define BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* What the caller does next. */
enum outcome {
    OUTCOME_DONE,   /* it happened */
    OUTCOME_RETRY,  /* try again later: nothing is wrong with the input */
    OUTCOME_REJECT, /* trying again will not help: the input is at fault */
};

/* Exit codes of the programs; the supervisor does not respawn EXIT_CONFIG, and
 * respawns EXIT_RELOAD at once. */
enum { EXIT_CONFIG = 2, EXIT_RELOAD = 3 };

#endif
