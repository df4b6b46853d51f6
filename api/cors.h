/* cors.h - which other sites' pages may talk to us (WHATWG Fetch, 3.2).
 *
 * Keys travel in headers that a page must be given to send them; cookies mean
 * nothing here, and Access-Control-Allow-Credentials is never sent.
 */
#ifndef API_CORS_H
#define API_CORS_H

#include "common/base.h"

struct cors {
    char **origins;
    size_t count;
    bool any; /* "*" */
};

/* A comma list of origins such as https://app.example, or "*".  -1 with one
 * line in `error`. */
MUST_USE int cors_init(struct cors *c, const char *origins, char *error,
                       size_t error_size);
void cors_release(struct cors *c);

bool cors_is_on(const struct cors *c);
/* What Access-Control-Allow-Origin says to `origin` (NULL: none was sent); NULL
 * to say nothing. */
const char *cors_answer(const struct cors *c, const char *origin);

/* Headers that pages may read, and those that they may send. */
extern const char cors_exposed[];
extern const char cors_allowed_headers[];

#endif
