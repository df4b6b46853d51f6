/* problem.h - what can go wrong for a user (RFC 9457).
 *
 * The member `code` is for programs, `detail` for people: it names the field
 * and the remedy.
 */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H

#include "common/base.h"

struct json_object;

enum problem {
    PROBLEM_INVALID_REQUEST,
    PROBLEM_INVALID_URL,
    PROBLEM_UNAUTHORIZED,
    PROBLEM_FORBIDDEN_SCOPE,
    PROBLEM_FORBIDDEN_HOST,
    PROBLEM_FORBIDDEN_ORIGIN,
    PROBLEM_NOT_FOUND,
    PROBLEM_NO_PICTURE,  /* not yet, or never */
    PROBLEM_PICTURE_REMOVED,
    PROBLEM_WRONG_STATE, /* of the capture, or the dead letter */
    PROBLEM_IDEMPOTENCY_CONFLICT,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_UNSUPPORTED_TYPE,
    PROBLEM_TIMEOUT,        /* the client was too slow */
    PROBLEM_TOO_LARGE,      /* the body */
    PROBLEM_HEAD_TOO_LARGE, /* or what comes before it */
    PROBLEM_RANGE,
    PROBLEM_MALFORMED, /* no HTTP as we speak it */
    PROBLEM_UPGRADE_REQUIRED,
    PROBLEM_RATE_LIMITED,
    PROBLEM_INTERNAL,
    PROBLEM_UNAVAILABLE,
};

unsigned problem_status(enum problem p);

/* The document, owned by the caller.  `errors` (an array, or NULL) is borrowed.
 */
struct json_object *problem_document(enum problem p, const char *detail,
                                     struct json_object *errors);

#endif
