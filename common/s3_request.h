/* s3_request.h - requests of our own to an S3-compatible storage, signed, and
 * what to tell an operator when one goes wrong.
 */
#ifndef S3_REQUEST_H
#define S3_REQUEST_H

#include "common/http_client.h"
#include "common/s3.h"

struct s3_request {
    const char *method;
    const char *key;          /* of an object; NULL: the bucket itself, and */
    const char *query;        /* what of it, as it is signed: escaped, sorted */
    const char *content_type; /* of the body */
    const char *body;         /* stays until `fn` runs; NULL: none */
    size_t body_len;
    const char *sha256; /* of the body, in hex */
    size_t max_bytes;   /* of the answer; 0: enough for an error */
};

/* `fn` runs once, later, as for http_client_start(). */
void s3_request(const struct s3 *s, struct http_client *http,
                const struct s3_request *request, http_answer_fn *fn,
                void *arg);

/* The code of an answer that is an error: "NoSuchKey"; "": it has none. */
void s3_error_code(const struct http_answer *answer, char *out, size_t size);

/* "could not WHAT in s3:/bucket/prefix/ at host: …", with what can be done. */
void s3_complaint(const struct s3 *s, const char *what,
                  const struct http_answer *answer, char *out, size_t size);

#endif
