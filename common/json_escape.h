/* json_escape.h - any bytes as the inside of a JSON string. */
#ifndef JSON_ESCAPE_H
#define JSON_ESCAPE_H

#include "common/buf.h"

/* Appends `text` escaped, at most `max` bytes of it (counted after escaping, no
 * escape and no character is cut in two).  What is no UTF-8 becomes U+FFFD.  -1
 * when `out` is full. */
MUST_USE int json_escape(struct buf *out, const char *text, size_t max);

#endif
