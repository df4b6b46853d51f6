/* wish.h - what a live client asks for: to follow something, or no longer.
 *
 *     {"subscribe":"<jobId>"}            {"unsubscribe":["<jobId>",…]}
 *     {"subscribe":{"batch":"<batchId>"}}  {"subscribe":{"all":true}}
 *
 * Beside it may stand `token`, a watch token; `since`, the id of the last event
 * that was heard; and `ref`, a text or number that comes back with the answer.
 * Pure: bytes in, wish or complaint out.
 */
#ifndef API_WISH_H
#define API_WISH_H

#include "api/topics.h"

struct json_object;

struct wish {
    struct json_object *root; /* owns the texts */
    bool leave;               /* unsubscribe */
    struct topic_name *names;
    size_t count;
    const char *token;       /* or NULL */
    const char *since;       /* or NULL */
    struct json_object *ref; /* or NULL */
};

/* -1 with one line in `error`; wish_release() in either case. */
MUST_USE int wish_parse(struct wish *w, const char *ptr, size_t len,
                        char *error, size_t error_size);
/* As the arguments of an event have it: `what` is the value of `subscribe`,
 * `options` an object with token and since, or NULL.  Takes references. */
MUST_USE int wish_read(struct wish *w, bool leave, struct json_object *what,
                       struct json_object *options, char *error,
                       size_t error_size);
void wish_release(struct wish *w);

#endif
