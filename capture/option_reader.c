#include "capture/option_reader.h"

#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

bool reader_is_fine(const struct option_reader *r)
{
    return r->fault->failure == FAILURE_NONE;
}

void refuse_option(struct option_reader *r, const char *name, const char *fmt,
                   ...)
{
    char reason[LIMIT_ERROR_BYTES / 2];
    va_list args;

    if (!reader_is_fine(r))
        return;
    va_start(args, fmt);
    vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    fault_set(r->fault, FAILURE_INVALID_REQUEST, "%s%s %s", r->prefix, name,
              reason);
}

/* NULL when absent, null, or when something was wrong before. */
static struct json_object *member(struct option_reader *r, const char *name)
{
    struct json_object *value = NULL;

    if (reader_is_fine(r))
        json_object_object_get_ex(r->root, name, &value);
    return value;
}

static bool is_number(struct json_object *value)
{
    return json_object_is_type(value, json_type_int) ||
           json_object_is_type(value, json_type_double);
}

void read_real(struct option_reader *r, const char *name, double min,
               double max, double *out)
{
    struct json_object *value = member(r, name);
    double number = value ? json_object_get_double(value) : 0;

    if (!value)
        return;
    if (!is_number(value) || !(number >= min && number <= max))
        refuse_option(r, name, "must be a number between %g and %g", min, max);
    else
        *out = number;
}

void read_number(struct option_reader *r, const char *name, int64_t min,
                 int64_t max, int64_t *out)
{
    struct json_object *value = member(r, name);
    double number = value ? json_object_get_double(value) : 0;

    if (!value)
        return;
    /* 1280.0 is a whole number too: some languages know no others. */
    if (!is_number(value) || number != floor(number) || number < (double)min ||
        number > (double)max)
        refuse_option(r, name, "must be a whole number between %lld and %lld",
                      (long long)min, (long long)max);
    else
        *out = (int64_t)number;
}

void read_switch(struct option_reader *r, const char *name, bool *out)
{
    struct json_object *value = member(r, name);

    if (!value)
        return;
    if (!json_object_is_type(value, json_type_boolean))
        refuse_option(r, name, "must be true or false");
    else
        *out = json_object_get_boolean(value);
}

void read_text(struct option_reader *r, const char *name, size_t max_bytes,
               char **out)
{
    struct json_object *value = member(r, name);
    size_t len = 0;

    if (!value)
        return;
    if (!json_object_is_type(value, json_type_string)) {
        refuse_option(r, name, "must be text");
        return;
    }
    len = (size_t)json_object_get_string_len(value);
    if (len > max_bytes)
        refuse_option(r, name, "must have at most %zu bytes", max_bytes);
    else if (strlen(json_object_get_string(value)) != len)
        refuse_option(r, name, "must not contain the character U+0000");
    else if (len > 0)
        *out = mem_strdup(json_object_get_string(value));
}

bool read_object(struct option_reader *r, const char *name,
                 struct option_reader *out)
{
    struct json_object *value = member(r, name);

    *out = *r;
    out->root = value;
    if (value && !json_object_is_type(value, json_type_object)) {
        refuse_option(r, name, "must be an object");
        return false;
    }
    return value != NULL;
}

struct json_object *read_list(struct option_reader *r, const char *name,
                              size_t max)
{
    struct json_object *value = member(r, name);

    if (!value)
        return NULL;
    if (!json_object_is_type(value, json_type_array) ||
        json_object_array_length(value) > max) {
        refuse_option(r, name, "must be a list of at most %zu", max);
        return NULL;
    }
    return value;
}
