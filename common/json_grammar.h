/* json_grammar.h - is it RFC 8259, to the letter?
 *
 * json-c's strict mode still takes NaN, 'keys', "1.", raw control characters
 * and overlong UTF-8 (0.16), and each version differs; what PostgreSQL or a
 * browser refuses later must be refused at the door.  This only judges; json.c
 * has json-c build the values.
 */
#ifndef JSON_GRAMMAR_H
#define JSON_GRAMMAR_H

#include "common/base.h"

/* One value, blanks around it, nothing else; at most `max_depth` arrays and
 * objects inside each other; valid UTF-8 (RFC 3629).  NULL when it is, else
 * what is wrong, and where in `offset`. */
const char *json_grammar_check(const char *ptr, size_t len, unsigned max_depth,
                               size_t *offset);

#endif
