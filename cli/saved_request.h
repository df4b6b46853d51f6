/* saved_request.h - an HTTP request as somebody has saved it: head, empty line,
 * body.
 *
 * Read leniently: lines may end in LF alone, and a chunked body is put
 * together. What an editor may have done to the body shows by its
 * Content-Length.  Pure.
 */
#ifndef SAVED_REQUEST_H
#define SAVED_REQUEST_H

#include "common/base.h"

enum { SAVED_FIELDS_MAX = 100 };

struct saved_field {
    char *name; /* all texts in here lie within saved_request.memory */
    char *value;
};

struct saved_request {
    char *memory;
    char *method;
    char *path; /* decoded, without the query */
    struct saved_field headers[SAVED_FIELDS_MAX];
    size_t header_count;
    struct saved_field query[SAVED_FIELDS_MAX]; /* decoded */
    size_t query_count;
    const char *body; /* what a server would read of it */
    size_t body_len;
    long long surplus; /* bytes behind Content-Length; negative: missing */
};

/* Copies what it needs.  -1 with `error` when it is no HTTP request; release in
 * either case. */
MUST_USE int saved_request_parse(struct saved_request *out, const char *ptr,
                                 size_t len, char *error, size_t error_size);
void saved_request_release(struct saved_request *r);

/* webhook_lookup functions; `arg` is the struct saved_request. */
const char *saved_request_header(const void *arg, const char *name,
                                 unsigned *count);
const char *saved_request_query(const void *arg, const char *name,
                                unsigned *count);

#endif
