/* follow.h - following captures by their events. */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include "cli/service.h"

struct json_object;

enum follow_outcome {
    FOLLOW_ENDED,       /* `fn` said so */
    FOLLOW_OVER,        /* patience is */
    FOLLOW_UNREACHABLE, /* patience is, and api was away at the end */
    FOLLOW_REFUSED,     /* api knows nothing of it, or wants a key */
};

/* Told of every change; the document is borrowed, and NULL when the stream has
 * come to an end.  True: that was all.  Otherwise the connection is made again,
 * as after a break, and then the present state is told once more. */
typedef bool follow_fn(struct json_object *document, void *arg);

/* `path`: of a stream of events, such as /v1/captures/ID/events. */
enum follow_outcome follow(struct service *s, struct patience *p,
                           const char *path, follow_fn *fn, void *arg);

/* Is it completed, failed or cancelled? */
bool follow_has_ended(struct json_object *document);

#endif
