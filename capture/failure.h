/* failure.h - why a request or a capture failed, in the contract's words.
 *
 * A code is what a program reads, the title says it for everyone who sees that
 * code, the message is about this one case.
 */
#ifndef FAILURE_H
#define FAILURE_H

#include "common/base.h"
#include "common/limits.h"

enum failure {
    FAILURE_NONE,
    FAILURE_INVALID_REQUEST,    /* not JSON, a bad or unsupported option */
    FAILURE_UNAUTHORIZED,       /* no key, or a wrong one */
    FAILURE_INVALID_URL,        /* not http(s), or malformed */
    FAILURE_ADDRESS_BLOCKED,    /* the page's address may not be reached */
    FAILURE_SELECTOR_NOT_FOUND, /* nothing on the page matches */
    FAILURE_TIMEOUT,            /* not done within the timeout */
    FAILURE_NETWORK,            /* unresolved, refused, TLS … */
    FAILURE_HTTP,               /* the page answered 4xx or 5xx */
    FAILURE_CAPTURE,            /* the browser's fault, or ours */
    FAILURE_RATE_LIMITED,       /* the queue is full */
    FAILURE_COUNT,
};

/* A failure and what to say about it; FAILURE_NONE leaves the message empty. */
struct fault {
    enum failure failure;
    char message[LIMIT_ERROR_BYTES];
};

PRINTF_LIKE(3, 4)
void fault_set(struct fault *f, enum failure failure, const char *fmt, ...);

const char *failure_code(enum failure f);  /* "INVALID_REQUEST" */
const char *failure_title(enum failure f); /* "the request is not valid" */
unsigned failure_status(enum failure f);   /* of the HTTP answer */

#endif
