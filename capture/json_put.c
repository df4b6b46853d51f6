#include "capture/json_put.h"

void put_value(struct json_object *o, const char *name,
               struct json_object *value)
{
    json_object_object_add_ex(o, name, value, JSON_C_OBJECT_KEY_IS_CONSTANT);
}

void put_text(struct json_object *o, const char *name, const char *value)
{
    put_value(o, name, json_object_new_string(value));
}

void put_number(struct json_object *o, const char *name, int64_t value)
{
    put_value(o, name, json_object_new_int64(value));
}

void put_real(struct json_object *o, const char *name, double value)
{
    put_value(o, name, json_object_new_double(value));
}

void put_bool(struct json_object *o, const char *name, bool value)
{
    put_value(o, name, json_object_new_boolean(value));
}

struct json_object *put_object(struct json_object *o, const char *name)
{
    struct json_object *child = json_object_new_object();

    put_value(o, name, child);
    return child;
}

struct json_object *object_with_text(const char *name, const char *value)
{
    struct json_object *o = json_object_new_object();

    put_text(o, name, value);
    return o;
}

const char *json_compact(struct json_object *o, size_t *len)
{
    return json_object_to_json_string_length(
        o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, len);
}
