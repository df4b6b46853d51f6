/* encoding.h - numbers and bytes as text: decimal, hex and base64 (RFC 4648),
 * percent-encoding. */
#ifndef ENCODING_H
#define ENCODING_H

#include "common/base.h"

/* What printf's %d writes, where printf itself would show in a profile. Returns
 * the length; a NUL follows. */
enum { DECIMAL_SIZE = sizeof "-9223372036854775808" };
size_t decimal_encode(int64_t value, char *out /* DECIMAL_SIZE */);

/* Lower case, and a NUL. */
void hex_encode(const uint8_t *ptr, size_t len, char *out /* 2 * len + 1 */);
/* -1 when it is no digit. */
int hex_value(char c);
/* Any case; exactly 2 * out_len characters, else false. */
MUST_USE bool hex_decode(const char *text, size_t len, uint8_t *out,
                         size_t out_len);

/* NUL-terminated; the caller frees it.  `url_safe` is the alphabet of section 5
 * and goes without padding. */
char *base64_encode(const uint8_t *ptr, size_t len, bool url_safe);
/* The plain alphabet, padded, without blanks, with no bits left over (section
 * 3.5): every value has one text.  NULL otherwise; the caller frees it. */
uint8_t *base64_decode(const char *text, size_t len, size_t *out_len);

/* All but the unreserved characters (RFC 3986, 2.3); the caller frees it. */
char *percent_encode(const char *text);

#endif
