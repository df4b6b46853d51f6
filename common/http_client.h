/* http_client.h - HTTP requests from inside the loop, with the address guard.
 *
 * libcurl's multi interface: connections are reused, HTTP/2 where the server
 * has it.  Only http and https, redirects too.  A guarded request is refused at
 * the moment of connecting, by the address connected to, at every redirect
 * again; guarded and unguarded requests never share a connection.  Proxies from
 * the environment are not used: they would connect in our place.
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
    HTTP_BAD_URL,     /* not http(s), or malformed (a header, too) */
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
    /* "Name: value", ended by NULL; or NULL.  They hold secrets: a redirect to
     * another origin is followed without them. */
    const char *const *headers;
    const char *body; /* NULL: none; copied unless it stays until `fn` runs */
    size_t body_len;
    bool body_stays;
    size_t max_bytes;       /* of the answer's body; 0 is a caller's bug */
    int64_t timeout_ms;     /* for all of it, redirects included */
    unsigned max_redirects; /* 0: a redirect is an answer like any other */
    /* false only for addresses from our settings; what they redirect to is
     * guarded as soon as it leaves the origin. */
    bool guarded;
    /* Signs the request for S3 (AWS Signature Version 4), which wants a header
     * x-amz-content-sha256 with the body's hash; NULL: not signed. */
    const char *aws_region, *aws_key_id, *aws_secret;
};

/* `guard` is borrowed; NULL will do when nothing is guarded or redirected. */
struct http_client *http_client_new(struct loop *loop,
                                    const struct guard *guard);
/* Servers may be certified by what stands in this file (ca_file.h), too,
 * besides what the system trusts; "": the system alone. */
void http_client_trust(struct http_client *c, const char *ca_file);
/* Calls under way end with HTTP_CANCELLED before this returns.  Not from inside
 * an http_answer_fn.  Accepts NULL. */
void http_client_free(struct http_client *c);

/* Starts a request; `fn` runs exactly once, never from inside this call, unless
 * the call is cancelled; the call is invalid from then on.  All options are
 * copied. */
struct http_call *http_client_start(struct http_client *c,
                                    const struct http_call_options *options,
                                    http_answer_fn *fn, void *arg);
void http_call_cancel(struct http_call *call); /* `fn` will not run */

const char *http_failure_name(enum http_failure f); /* "timed out" … */

#endif
