#include "common/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json_grammar.h"
#include "common/limits.h"

enum { FILE_MAX_BYTES = 1024 * 1024 };

static size_t line_of(const char *ptr, size_t offset)
{
    size_t line = 1;

    for (size_t i = 0; i < offset; i++)
        line += ptr[i] == '\n';
    return line;
}

/* Has json-c build what the grammar has let through. */
static struct json_object *build(const char *ptr, size_t len)
{
    /* json-c counts a scalar as one more level, and one level as reserve */
    struct json_tokener *tokener = json_tokener_new_ex(LIMIT_JSON_DEPTH + 2);
    struct json_object *root = NULL;

    if (!tokener)
        return NULL;
    root = json_tokener_parse_ex(tokener, ptr, (int)len);
    if (json_tokener_get_error(tokener) == json_tokener_continue)
        root = json_tokener_parse_ex(tokener, "", 1); /* a number ended */
    json_tokener_free(tokener);
    return root;
}

struct json_object *json_parse(const char *ptr, size_t len, char *error,
                               size_t error_size)
{
    struct json_object *root = NULL;
    const char *problem = NULL;
    size_t offset = 0;

    if (len >= INT_MAX) {
        snprintf(error, error_size, "too long");
        return NULL;
    }
    problem = json_grammar_check(ptr, len, LIMIT_JSON_DEPTH, &offset);
    if (problem) {
        snprintf(error, error_size, "%s at byte %zu, line %zu", problem, offset,
                 line_of(ptr, offset));
        return NULL;
    }
    root = build(ptr, len);
    if (!root)
        snprintf(error, error_size, "null is no value here");
    return root;
}

static int read_all(const char *path, struct buf *into, char *error,
                    size_t error_size)
{
    char chunk[16 * 1024];
    FILE *file = fopen(path, "re");
    size_t n = 0;
    int result = -1;

    if (!file)
        goto failed;
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) {
        if (buf_append(into, chunk, n) != 0) {
            errno = EFBIG;
            goto failed;
        }
    }
    if (!ferror(file))
        result = 0;
failed:
    if (result != 0)
        snprintf(error, error_size, "could not read \"%s\": %s", path,
                 strerror(errno));
    if (file)
        fclose(file);
    return result;
}

struct json_object *json_read_file(const char *path, char *error,
                                   size_t error_size)
{
    struct buf text;
    struct json_object *root = NULL;
    char reason[128];

    buf_init(&text, FILE_MAX_BYTES);
    if (read_all(path, &text, error, error_size) == 0) {
        root = json_parse(text.data ? text.data : "", text.len, reason,
                          sizeof reason);
        if (!root)
            snprintf(error, error_size, "could not parse \"%s\": %s", path,
                     reason);
    }
    buf_release(&text);
    return root;
}

/* reading */

static struct json_object *child(struct json_object *parent, const char *name,
                                 size_t len)
{
    char text[256];
    char *end = NULL;
    struct json_object *found = NULL;
    unsigned long index = 0;

    if (len >= sizeof text)
        return NULL;
    memcpy(text, name, len);
    text[len] = '\0';
    if (json_object_is_type(parent, json_type_object)) {
        json_object_object_get_ex(parent, text, &found);
        return found;
    }
    if (!json_object_is_type(parent, json_type_array) ||
        strspn(text, "0123456789") != len || len == 0 || len > 9)
        return NULL;
    index = strtoul(text, &end, 10);
    return json_object_array_get_idx(parent, index);
}

struct json_object *json_at(struct json_object *root, const char *path)
{
    while (root && *path) {
        size_t len = strcspn(path, ".");

        root = child(root, path, len);
        path += len + (path[len] == '.');
    }
    return root;
}

const char *json_text(struct json_object *root, const char *path)
{
    struct json_object *value = json_at(root, path);
    const char *text = NULL;

    if (!json_object_is_type(value, json_type_string))
        return NULL;
    text = json_object_get_string(value);
    return strlen(text) == (size_t)json_object_get_string_len(value) ? text
                                                                     : NULL;
}

int64_t json_number(struct json_object *root, const char *path,
                    int64_t fallback)
{
    struct json_object *value = json_at(root, path);
    int64_t number = 0;
    double real = 0;

    if (json_object_is_type(value, json_type_int)) {
        number = json_object_get_int64(value);
        /* json-c clamps; the two ends are not to be told from what is beyond */
        return number == INT64_MIN || number == INT64_MAX ? fallback : number;
    }
    if (json_object_is_type(value, json_type_double)) {
        real = json_object_get_double(value);
        if (fabs(real) < 9.2e18) /* false for infinities */
            return (int64_t)real;
    }
    return fallback;
}

int json_boolean(struct json_object *root, const char *path)
{
    struct json_object *value = json_at(root, path);

    if (!json_object_is_type(value, json_type_boolean))
        return -1;
    return json_object_get_boolean(value) ? 1 : 0;
}
