/* http_guard.h - what libmicrohttpd lets pass and RFC 9112 does not.
 *
 * Pure: looks at a request's target, version and header list, touches no
 * socket. Every refusal is answered (400, or 501 for an unknown transfer
 * coding) and the connection closed, because the two ends may disagree about
 * where this request ends (request smuggling).
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

/* A request's head as an older libmicrohttpd (before 1.0) leaves it in its
 * buffer: one piece of memory, separators overwritten by NUL bytes. */
struct http_guard_head {
    const char *method;
    const char *target; /* raw, with its query */
    size_t target_len;
    const char *version;
    const struct http_guard_field *fields;
    size_t count;
    size_t size; /* from `method` to behind the empty line */
};

enum http_verdict {
    HTTP_FINE,
    HTTP_BAD_METHOD,         /* not a token (RFC 9110, 9.1) */
    HTTP_BAD_TARGET,         /* RFC 9112, 3.2; broken or NUL %-encoding */
    HTTP_BAD_HOST,           /* missing, repeated or invalid (RFC 9112, 3.2) */
    HTTP_BAD_LENGTH,         /* several or no number (RFC 9112, 6.3) */
    HTTP_LENGTH_AND_CODING,  /* Content-Length with Transfer-Encoding (6.1) */
    HTTP_CODING_ON_HTTP_1_0, /* Transfer-Encoding needs HTTP/1.1 (6.1) */
    HTTP_BAD_CODING,         /* any but one final "chunked" (6.1) */
    HTTP_BAD_FIELD_NAME,     /* not a token (RFC 9110, 5.1) */
    HTTP_BAD_FIELD_VALUE,    /* a control character (RFC 9110, 5.5) */
    HTTP_BAD_LINES,          /* NUL, bare LF, folded or misplaced blanks */
    HTTP_TOO_MANY_FIELDS,    /* beyond LIMIT_HTTP_HEADERS */
};

MUST_USE enum http_verdict http_guard_method(const char *method);
/* The raw request target: origin-form, absolute-form of http(s), or "*". */
MUST_USE enum http_verdict http_guard_target(const char *target, size_t len);

MUST_USE enum http_verdict
http_guard_check(const char *version, const struct http_guard_field *fields,
                 size_t count);

/* Do the parts lie in the buffer exactly where a well-formed head has them?
 * Bytes that the old parser skips (behind a NUL, in folded lines, a missing CR)
 * show as gaps.  Only for what libmicrohttpd before 1.0 reports.
 *
 * Three things leave no trace there, none of which any proxy lets pass: other
 * mixtures of NUL, CR and LF as a line end, a colon with a bare LF as the empty
 * line, and lines that are empty or begin with NUL before the request line. */
MUST_USE enum http_verdict http_guard_lines(const struct http_guard_head *head);

/* The status to answer with, and why, in a few words. */
unsigned http_verdict_status(enum http_verdict v);
const char *http_verdict_text(enum http_verdict v);

#endif
