#include "worker/form.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/mem.h"
#include "common/token.h"

enum { BOUNDARY_BYTES = 16 };

/* Adds one field to the text that is made, which it takes. */
typedef char *add_fn(char *text, const char *name, const char *value,
                     const char *boundary);

static char *each(struct json_object *fields, add_fn *add, const char *boundary)
{
    char *text = mem_strdup("");

    json_object_object_foreach(fields, name, value)
    {
        bool is_list = json_object_is_type(value, json_type_array);
        size_t count = is_list ? json_object_array_length(value) : 1;

        for (size_t i = 0; i < count; i++) {
            struct json_object *item =
                is_list ? json_object_array_get_idx(value, i) : value;

            if (item)
                text = add(text, name, json_object_get_string(item), boundary);
        }
    }
    return text;
}

static char *add_pair(char *text, const char *name, const char *value,
                      const char *boundary)
{
    char *left = percent_encode(name);
    char *right = percent_encode(value);
    char *longer = mem_format("%s%s%s=%s", text, *text ? "&" : "", left, right);

    (void)boundary;
    free(left);
    free(right);
    free(text);
    return longer;
}

char *form_urlencode(struct json_object *fields)
{
    return each(fields, add_pair, NULL);
}

/* As browsers do: what would end the name, or its line, is percent-encoded. */
static char *quotable(const char *name)
{
    char *out = mem_alloc(3 * strlen(name) + 1);
    char *to = out;

    for (; *name; name++) {
        const char *code = *name == '"'    ? "%22"
                           : *name == '\r' ? "%0D"
                           : *name == '\n' ? "%0A"
                                           : NULL;

        if (code) {
            memcpy(to, code, 3);
            to += 3;
        } else {
            *to++ = *name;
        }
    }
    *to = '\0';
    return out;
}

static char *add_part(char *text, const char *name, const char *value,
                      const char *boundary)
{
    char *quoted = quotable(name);
    char *longer = mem_format("%s--%s\r\nContent-Disposition: form-data; "
                              "name=\"%s\"\r\n\r\n%s\r\n",
                              text, boundary, quoted, value);

    free(quoted);
    free(text);
    return longer;
}

char *form_multipart(struct json_object *fields, char **type)
{
    char boundary[2 * BOUNDARY_BYTES + 1];
    char *parts;
    char *whole;

    random_hex(BOUNDARY_BYTES, boundary); /* in no value: nobody can guess it */
    parts = each(fields, add_part, boundary);
    whole = mem_format("%s--%s--\r\n", parts, boundary);
    free(parts);
    *type = mem_format("multipart/form-data; boundary=%s", boundary);
    return whole;
}
