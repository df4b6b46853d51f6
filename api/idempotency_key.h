/* idempotency_key.h - the request header Idempotency-Key
 * (draft-ietf-httpapi-idempotency-key-header-07).
 *
 * Only its syntax: what a key does is decided by submit_captures(), in the
 * transaction that makes the jobs.  Pure.
 */
#ifndef API_IDEMPOTENCY_KEY_H
#define API_IDEMPOTENCY_KEY_H

#include "common/base.h"

enum { IDEMPOTENCY_KEY_MAX = 255, IDEMPOTENCY_KEY_SIZE };

/* A String of structured fields ("…" with \" and \\, RFC 9651, 3.3.3) or, as
 * most clients send it, the bare key.  -1 when it is empty, too long, or has
 * anything but visible ASCII; a quoted one may have blanks. */
MUST_USE int idempotency_key_parse(const char *header,
                                   char out[IDEMPOTENCY_KEY_SIZE]);

#endif
