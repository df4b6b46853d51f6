/* json_put.h - writing JSON objects, one short call per member.
 *
 * Names must be string literals: they are not copied.
 */
#ifndef JSON_PUT_H
#define JSON_PUT_H

#include <json-c/json.h>

#include "common/base.h"

void put_text(struct json_object *o, const char *name, const char *value);
void put_number(struct json_object *o, const char *name, int64_t value);
void put_real(struct json_object *o, const char *name, double value);
void put_bool(struct json_object *o, const char *name, bool value);
/* Takes `value`. */
void put_value(struct json_object *o, const char *name,
               struct json_object *value);
/* A new object, member of `o`. */
struct json_object *put_object(struct json_object *o, const char *name);

/* {"name": "value"}, the most frequent parameter list. */
struct json_object *object_with_text(const char *name, const char *value);

/* The compact text, owned by `o`. */
const char *json_compact(struct json_object *o, size_t *len);

#endif
