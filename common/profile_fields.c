#include "common/profile_fields.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"

void fields_root(struct fields *f, struct json_object *document,
                 struct fields_report *report)
{
    *f = (struct fields){ .report = report };
    if (json_object_is_type(document, json_type_object))
        f->object = document;
    else
        fields_fail(f, "", "must be an object");
}

void fields_fail(const struct fields *f, const char *name, const char *fmt, ...)
{
    struct fields_report *report = f->report;
    char reason[512];
    va_list args;

    if (report->failed)
        return;
    report->failed = true;
    va_start(args, fmt);
    vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    snprintf(report->error, report->error_size, "%s: %s%s%s%s%s", report->file,
             f->path, f->path[0] && name[0] ? "." : "", name,
             f->path[0] || name[0] ? ": " : "", reason);
}

/* JSON null counts as absent: json-c can't tell them apart, nor need people. */
static struct json_object *get(const struct fields *f, const char *name)
{
    struct json_object *value = NULL;

    if (f->object && !f->report->failed)
        json_object_object_get_ex(f->object, name, &value);
    return value;
}

bool fields_has(const struct fields *f, const char *name)
{
    return get(f, name) != NULL;
}

bool fields_open(struct fields *f, const struct fields *parent,
                 const char *name)
{
    struct json_object *value = get(parent, name);

    *f = (struct fields){ .report = parent->report };
    snprintf(f->path, sizeof f->path, "%.60s%s%.60s", parent->path,
             parent->path[0] ? "." : "", name);
    if (!value)
        return false;
    if (!json_object_is_type(value, json_type_object)) {
        fields_fail(parent, name, "must be an object");
        return false;
    }
    f->object = value;
    return true;
}

void fields_need(const struct fields *f, const char *name)
{
    if (!f->report->failed && !fields_has(f, name))
        fields_fail(f, name, "is missing");
}

/* "a, b, c" into `out`. */
static void join(const char *const *words, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; words[i] && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s",
                                 i > 0 ? ", " : "", words[i]);
}

static int index_of(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return -1;
}

void fields_only(const struct fields *f, const char *const *keys)
{
    char known[384];

    if (!f->object)
        return;
    json_object_object_foreach(f->object, key, value)
    {
        (void)value;
        if (index_of(keys, key) >= 0)
            continue;
        join(keys, known, sizeof known);
        fields_fail(f, "", "unknown key \"%.64s\"; the keys here are %s", key,
                    known);
        return;
    }
}

const char *fields_text(const struct fields *f, const char *name)
{
    struct json_object *value = get(f, name);
    const char *text = json_text(value, "");

    if (value && (!text || !*text)) {
        fields_fail(f, name, "must be a text%s",
                    text ? " that is not empty" : "");
        return NULL;
    }
    return text;
}

const char *fields_need_text(const struct fields *f, const char *name)
{
    fields_need(f, name);
    return fields_text(f, name);
}

bool fields_bool(const struct fields *f, const char *name, bool fallback)
{
    struct json_object *value = get(f, name);
    int truth = json_boolean(value, "");

    if (!value)
        return fallback;
    if (truth < 0)
        fields_fail(f, name, "must be true or false");
    return truth > 0;
}

double fields_number(const struct fields *f, const char *name, double min,
                     double max, double fallback)
{
    struct json_object *value = get(f, name);
    double number = json_object_get_double(value);

    if (!value)
        return fallback;
    if ((json_object_is_type(value, json_type_int) ||
         json_object_is_type(value, json_type_double)) &&
        number >= min && number <= max)
        return number;
    fields_fail(f, name, "must be a number from %g to %g", min, max);
    return fallback;
}

int fields_choice(const struct fields *f, const char *name,
                  const char *const *words, int fallback)
{
    const char *text = fields_text(f, name);
    int index = text ? index_of(words, text) : fallback;
    char known[256];

    if (text && index < 0) {
        join(words, known, sizeof known);
        fields_fail(f, name, "\"%.64s\" is not one of %s", text, known);
    }
    return index < 0 ? fallback : index;
}

const char **fields_texts(const struct fields *f, const char *name,
                          size_t *count)
{
    struct json_object *value = get(f, name);
    bool is_list = json_object_is_type(value, json_type_array);
    size_t len = is_list ? json_object_array_length(value) : 1;
    const char **texts = NULL;

    *count = 0;
    if (!value)
        return NULL;
    texts = mem_resize_array(NULL, len, sizeof *texts);
    for (size_t i = 0; i < len; i++) {
        const char *text = json_text(
            is_list ? json_object_array_get_idx(value, i) : value, "");

        if (!text || !*text) {
            fields_fail(f, name, "must be a text or a list of texts");
            free(texts);
            *count = 0;
            return NULL;
        }
        texts[(*count)++] = text;
    }
    return texts;
}

/* kinds of text */

bool fields_is_made_of(const char *text, const char *letters)
{
    return *text && text[strspn(text, letters)] == '\0';
}

/* A token of RFC 9110, section 5.6.2. */
bool fields_is_header_name(const char *text)
{
    return fields_is_made_of(text, "!#$%&'*+-.^_`|~0123456789"
                                   "abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

bool fields_is_query_name(const char *text)
{
    return *text && !fields_has_control(text);
}

bool fields_has_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            return true;
    }
    return false;
}

/* "data.metadata.width": no empty step. */
bool fields_is_json_path(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len <= 255 && text[0] != '.' && text[len - 1] != '.' &&
           !strstr(text, "..");
}

const char *fields_header_name(const struct fields *f, const char *name)
{
    const char *text = fields_text(f, name);

    if (text && !fields_is_header_name(text))
        fields_fail(f, name, "\"%.64s\" is no header name", text);
    return text;
}

const char **fields_header_names(const struct fields *f, const char *name,
                                 size_t *count)
{
    const char **texts = fields_texts(f, name, count);

    for (size_t i = 0; i < *count; i++) {
        if (!fields_is_header_name(texts[i]))
            fields_fail(f, name, "\"%.64s\" is no header name", texts[i]);
    }
    return texts;
}

bool fields_is_origin(const char *text)
{
    const char *host = strncmp(text, "https://", 8) == 0  ? text + 8
                       : strncmp(text, "http://", 7) == 0 ? text + 7
                                                          : "";

    return *host && !strpbrk(host, "/?#@\\ \t") && !fields_has_control(host);
}

const char *fields_json_path(const struct fields *f, const char *name)
{
    const char *text = fields_need_text(f, name);

    if (text && !fields_is_json_path(text))
        fields_fail(f, name, "\"%.64s\" is no path like data.image.url", text);
    return text;
}

/* An absolute path that is put behind the base URL. */
const char *fields_url_path(const struct fields *f, const char *name)
{
    const char *text = fields_need_text(f, name);

    if (text &&
        (text[0] != '/' || strpbrk(text, " \t#") || fields_has_control(text)))
        fields_fail(f, name, "must start with / and have no blanks");
    return text;
}
