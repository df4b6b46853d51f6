/* timestamp.h - the ways in which providers write the time. */
#ifndef TIMESTAMP_H
#define TIMESTAMP_H

#include "common/base.h"

enum timestamp_unit {
    TIMESTAMP_NONE,
    TIMESTAMP_SECONDS,
    TIMESTAMP_MILLISECONDS,
    TIMESTAMP_ISO8601, /* RFC 3339, section 5.6: 2026-01-31T12:00:00.123Z */
};

/* -1 when it is not of the unit, or outside the years 1970 to 9999: that is how
 * milliseconds are told from seconds. */
MUST_USE int timestamp_parse(const char *text, enum timestamp_unit unit,
                             int64_t *unix_ms);

#endif
