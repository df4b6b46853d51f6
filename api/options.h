/* options.h - which capture options a user may give, and within what bounds.
 *
 * One table (options.c).  Stricter than providers, which ignore what they don't
 * know: a misspelt option should not be found out by looking at the picture.
 */
#ifndef API_OPTIONS_H
#define API_OPTIONS_H

#include "api/complaint.h"

/* Checks the value of the option `name`; what is wrong goes to `c` under
 * `field`, the option's path in the body. */
void option_check(struct complaints *c, const char *field, const char *name,
                  struct json_object *value);

#endif
