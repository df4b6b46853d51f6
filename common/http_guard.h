/* http_guard.h - what libmicrohttpd lets pass and RFC 9112 does not.
 *
 * Pure: looks at a request's method, version and header list, touches no
 * socket. Every refusal is answered 400 (501 for an unknown transfer coding)
 * and the connection closed, because the two ends may disagree about where this
 * request ends (request smuggling).
 */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include "common/base.h"

struct http_guard_field {
    const char *name;
    size_t name_len;
    const char *value; /* may hold a NUL byte: then it is refused */
    size_t value_len;
};

enum http_verdict {
    HTTP_FINE,
    HTTP_BAD_HOST,           /* missing, repeated or invalid (RFC 9112, 3.2) */
    HTTP_BAD_LENGTH,         /* several or no number (RFC 9112, 6.3) */
    HTTP_LENGTH_AND_CODING,  /* Content-Length with Transfer-Encoding (6.1) */
    HTTP_CODING_ON_HTTP_1_0, /* Transfer-Encoding needs HTTP/1.1 (6.1) */
    HTTP_BAD_CODING,         /* any but one final "chunked" (6.1) */
    HTTP_BAD_FIELD_NAME,     /* not a token (RFC 9110, 5.1) */
    HTTP_BAD_FIELD_VALUE,    /* NUL, CR or LF inside (RFC 9110, 5.5) */
    HTTP_TOO_MANY_FIELDS,    /* beyond LIMIT_HTTP_HEADERS */
};

MUST_USE enum http_verdict
http_guard_check(const char *version, const struct http_guard_field *fields,
                 size_t count);

/* The status to answer with, and why, in a few words. */
unsigned http_verdict_status(enum http_verdict v);
const char *http_verdict_text(enum http_verdict v);

#endif
