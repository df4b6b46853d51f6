/* http_client.h - HTTP requests from inside the loop, with the address guard.
 *
 * libcurl's multi interface: connections are reused, HTTP/2 where the server
 * has it.  Only http and https, redirects too.  A guarded request is refused at
 * the moment of connecting, by the address connected to, at every redirect
 * again.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "common/base.h"
#include "common/guard.h"
#include "common/loop.h"

struct http_client;
struct http_call;

enum http_failure {
    HTTP_OK,          /* an answer arrived, whatever its status */
    HTTP_BAD_URL,     /* not http(s), or malformed */
    HTTP_BLOCKED,     /* the guard refused the address */
    HTTP_UNRESOLVED,  /* the name does not resolve */
    HTTP_UNREACHABLE, /* refused, reset, TLS failed, broken answer … */
    HTTP_TIMED_OUT,
    HTTP_TOO_LARGE, /* beyond max_bytes */
    HTTP_CANCELLED, /* http_call_cancel() is silent; only on client free */
};

struct http_answer {
    enum http_failure failure;
    unsigned status;  /* 100..599, 0 without an answer */
    const char *body; /* valid during the callback; NUL-terminated */
    size_t body_len;
    const char *content_type; /* "" when absent */
    int64_t retry_after_ms;   /* from Retry-After in either form; -1: absent */
    const char *error;        /* reason in words; "" when failure is HTTP_OK */
    int64_t elapsed_us;
};

typedef void http_answer_fn(const struct http_answer *answer, void *arg);

struct http_call_options {
    const char *method; /* "GET", "POST" … */
    const char *url;
    const char *const *headers; /* "Name: value", ended by NULL; or NULL */
    const char *body;           /* NULL: none; copied */
    size_t body_len;
    size_t max_bytes;       /* of the answer's body; 0 is a caller's bug */
    int64_t timeout_ms;     /* for all of it, redirects included */
    unsigned max_redirects; /* 0: a redirect is an answer like any other */
    bool guarded;           /* false only for addresses from our settings */
};

struct http_client *http_client_new(struct loop *loop,
                                    const struct guard *guard /* borrowed */);
void http_client_free(struct http_client *c); /* accepts NULL */

/* Starts a request; `fn` runs exactly once, never from inside this call, unless
 * the call is cancelled.  All options are copied. */
struct http_call *http_client_start(struct http_client *c,
                                    const struct http_call_options *options,
                                    http_answer_fn *fn, void *arg);
void http_call_cancel(struct http_call *call); /* `fn` will not run */

const char *http_failure_name(enum http_failure f); /* "timed out" … */

#endif
