/* profile_parse.h - from a parsed JSON document to a checked profile. */
#ifndef PROFILE_PARSE_H
#define PROFILE_PARSE_H

#include "common/profile.h"

/* Takes `document`, also on -1; then `out` is empty and `error` one line. */
MUST_USE int profile_from_document(struct profile *out, const char *file,
                                   struct json_object *document, char *error,
                                   size_t error_size);

#endif
