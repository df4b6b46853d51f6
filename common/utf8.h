/* utf8.h - is this UTF-8?  (RFC 3629, section 4) */
#ifndef UTF8_H
#define UTF8_H

#include "common/base.h"

/* Length of the character that starts at `ptr`: 1 to 4; 0 when there is none
 * within `len` bytes: overlong forms, surrogates and what is past U+10FFFF are
 * none.  A NUL is a character of one byte. */
size_t utf8_sequence(const char *ptr, size_t len);

#endif
