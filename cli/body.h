/* body.h - the body of POST /v1/captures from --option k=v arguments. */
#ifndef CLI_BODY_H
#define CLI_BODY_H

#include "common/base.h"

struct json_object;

/* Adds one option to the object.  A value that reads as JSON is that (true,
 * 800,
 * ["a"]), any other is text; a dot in the name goes one level down
 * (viewport.width=400).  -1 with the reason in `error`. */
MUST_USE int body_option(struct json_object *body, const char *option,
                         char *error, size_t error_size);

#endif
