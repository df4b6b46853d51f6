/* range.h - the request header Range, for one range of bytes (RFC 9110, 14.2).
 *
 * Pure.  Several ranges, other units and what makes no sense are answered with
 * the whole, as the standard allows.
 */
#ifndef API_RANGE_H
#define API_RANGE_H

#include "common/base.h"

enum range_verdict {
    RANGE_WHOLE, /* 200 */
    RANGE_PART,  /* 206: *first and *len are set, *len > 0 */
    RANGE_NONE,  /* 416: no byte of it is there */
};

/* `header` NULL: there is none. */
enum range_verdict range_parse(const char *header, size_t size, size_t *first,
                               size_t *len);

#endif
