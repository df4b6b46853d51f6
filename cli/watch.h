/* watch.h - waiting for one capture to end. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli/service.h"

struct json_object;

enum watch_outcome {
    WATCH_ENDED,       /* completed, failed or cancelled */
    WATCH_OVER,        /* patience is */
    WATCH_UNREACHABLE, /* patience is, and api was away at the end */
    WATCH_REFUSED,     /* api knows no such capture, or wants a key */
};

/* Told of every change; the document is borrowed. */
typedef void watch_fn(struct json_object *document, void *arg);

/* Follows the capture's events until its end; a connection that breaks is made
 * again.  *document gets the last state heard of, owned by the caller, NULL if
 * none. */
enum watch_outcome watch_capture(struct service *s, struct patience *p,
                                 const char *id, watch_fn *fn, void *arg,
                                 struct json_object **document);

#endif
