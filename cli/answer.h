/* answer.h - what api said, as JSON. */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include "cli/service.h"

struct json_object;

/* The last answer as an object, owned by the caller; an empty one if it is
 * none. */
struct json_object *answer_of(const struct service *s);

/* Says on standard error why this answer is of no use: the problem's detail
 * (RFC 9457), or else what service_complain() says.  `what`: what was asked
 * for, or NULL.  Returns the exit code that this means. */
int answer_complain(const struct service *s, enum service_outcome outcome,
                    struct json_object *answer, const char *what);

#endif
