#include "api/options.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/mem.h"

enum option_type {
    OPTION_SWITCH,
    OPTION_INTEGER,     /* min..max */
    OPTION_NUMBER,      /* min..max, fractions too */
    OPTION_WORD,        /* one of `words` */
    OPTION_TEXT,        /* at most `max` bytes */
    OPTION_TEXTS,       /* an array of at most `max` texts */
    OPTION_TEXT_MAP,    /* an object of texts, names free: headers */
    OPTION_OBJECT,      /* its members are in the table as "name.member" */
    OPTION_OBJECTS,     /* an array of at most `max` of them */
    OPTION_TEXT_OR_MAP, /* a text, or an object of texts: margins */
    OPTION_RESERVED,    /* the fleet's own; `words` says why */
};

enum { TEXT_MAX_BYTES = 4096, CODE_MAX_BYTES = 128 * 1024, ITEMS_MAX = 100 };

struct option {
    const char *name;
    enum option_type type;
    double min, max;
    const char *words; /* blank separated */
};

/* The provider's API, as the contract has it. */
static const struct option table[] = {
    { "device", OPTION_WORD, 0, 0, "desktop laptop tablet mobile" },
    { "width", OPTION_INTEGER, 320, 3840, NULL },
    { "height", OPTION_INTEGER, 240, 3840, NULL },
    { "viewport", OPTION_OBJECT, 0, 0, NULL },
    { "viewport.width", OPTION_INTEGER, 320, 3840, NULL },
    { "viewport.height", OPTION_INTEGER, 240, 3840, NULL },
    { "viewport.deviceScaleFactor", OPTION_NUMBER, 1, 3, NULL },
    { "viewport.isMobile", OPTION_SWITCH, 0, 0, NULL },
    { "deviceScaleFactor", OPTION_NUMBER, 1, 3, NULL },
    { "fullPage", OPTION_SWITCH, 0, 0, NULL },
    { "format", OPTION_WORD, 0, 0, "png jpeg webp pdf" },
    { "quality", OPTION_INTEGER, 0, 100, NULL },
    { "omitBackground", OPTION_SWITCH, 0, 0, NULL },
    { "delay", OPTION_INTEGER, 0, 10000, NULL },
    { "timeout", OPTION_INTEGER, 1000, LIMIT_CAPTURE_MS, NULL },
    { "selector", OPTION_TEXT, 0, TEXT_MAX_BYTES, NULL },
    { "waitForSelector", OPTION_TEXT, 0, TEXT_MAX_BYTES, NULL },
    { "waitForNetworkIdle", OPTION_SWITCH, 0, 0, NULL },
    { "hideSelectors", OPTION_TEXTS, 0, ITEMS_MAX, NULL },
    { "clip", OPTION_OBJECT, 0, 0, NULL },
    { "clip.x", OPTION_NUMBER, 0, 100000, NULL },
    { "clip.y", OPTION_NUMBER, 0, 100000, NULL },
    { "clip.width", OPTION_NUMBER, 1, 100000, NULL },
    { "clip.height", OPTION_NUMBER, 1, 100000, NULL },
    { "darkMode", OPTION_SWITCH, 0, 0, NULL },
    { "javascript", OPTION_TEXT, 0, CODE_MAX_BYTES, NULL },
    { "css", OPTION_TEXT, 0, CODE_MAX_BYTES, NULL },
    { "headers", OPTION_TEXT_MAP, 0, ITEMS_MAX, NULL },
    { "cookies", OPTION_OBJECTS, 0, ITEMS_MAX, NULL },
    { "cookies.name", OPTION_TEXT, 0, TEXT_MAX_BYTES, NULL },
    { "cookies.value", OPTION_TEXT, 0, TEXT_MAX_BYTES, NULL },
    { "cookies.url", OPTION_TEXT, 0, TEXT_MAX_BYTES, NULL },
    { "cookies.domain", OPTION_TEXT, 0, TEXT_MAX_BYTES, NULL },
    { "cookies.path", OPTION_TEXT, 0, TEXT_MAX_BYTES, NULL },
    { "cookies.expires", OPTION_NUMBER, -1, 1e11, NULL },
    { "cookies.secure", OPTION_SWITCH, 0, 0, NULL },
    { "cookies.httpOnly", OPTION_SWITCH, 0, 0, NULL },
    { "cookies.sameSite", OPTION_WORD, 0, 0, "Strict Lax None" },
    { "userAgent", OPTION_TEXT, 0, TEXT_MAX_BYTES, NULL },
    { "timezone", OPTION_TEXT, 0, 64, NULL },
    { "geolocation", OPTION_OBJECT, 0, 0, NULL },
    { "geolocation.latitude", OPTION_NUMBER, -90, 90, NULL },
    { "geolocation.longitude", OPTION_NUMBER, -180, 180, NULL },
    { "geolocation.accuracy", OPTION_NUMBER, 0, 1e6, NULL },
    { "blockAds", OPTION_SWITCH, 0, 0, NULL },
    { "scroll", OPTION_OBJECT, 0, 0, NULL },
    { "scroll.enabled", OPTION_SWITCH, 0, 0, NULL },
    { "pdfOptions", OPTION_OBJECT, 0, 0, NULL },
    { "pdfOptions.format", OPTION_TEXT, 0, 16, NULL },
    { "pdfOptions.landscape", OPTION_SWITCH, 0, 0, NULL },
    { "pdfOptions.margin", OPTION_TEXT_OR_MAP, 0, 4, NULL },
    { "pdfOptions.printBackground", OPTION_SWITCH, 0, 0, NULL },
    { "pdfOptions.scale", OPTION_NUMBER, 0.1, 2, NULL },
    { "html", OPTION_RESERVED, 0, 0,
      "pages are captured by address; put it where a URL reaches it" },
    { "async", OPTION_RESERVED, 0, 0,
      "every capture is asynchronous; leave it out" },
    { "webhookUrl", OPTION_RESERVED, 0, 0,
      "the fleet tells the provider its own; leave it out" },
};

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

static void check_value(struct complaints *c, const char *field,
                        const char *name, struct json_object *value);

static bool is_word_of(const char *words, const char *text)
{
    size_t len = strlen(text);

    while (*words) {
        size_t n = strcspn(words, " ");

        if (n == len && memcmp(words, text, n) == 0)
            return true;
        words += n + (words[n] == ' ');
    }
    return false;
}

static void check_number(struct complaints *c, const char *field,
                         const struct option *o, struct json_object *value)
{
    bool whole = json_object_is_type(value, json_type_int);
    double number = json_object_get_double(value);

    if (!whole && json_object_is_type(value, json_type_double))
        whole = o->type == OPTION_NUMBER || number == floor(number);
    if (!whole || number < o->min || number > o->max)
        complain(c, field, "must be %s from %g to %g",
                 o->type == OPTION_INTEGER ? "a whole number" : "a number",
                 o->min, o->max);
}

static void check_text(struct complaints *c, const char *field, double max,
                       struct json_object *value)
{
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);

    if (!json_object_is_type(value, json_type_string))
        complain(c, field, "must be a text");
    else if (strlen(text) != len)
        complain(c, field, "must not contain a NUL character");
    else if ((double)len > max)
        complain(c, field, "is longer than %.0f bytes", max);
}

static void check_word(struct complaints *c, const char *field,
                       const struct option *o, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string) ||
        !is_word_of(o->words, json_object_get_string(value)))
        complain(c, field, "must be one of: %s", o->words);
}

/* A line break in a header would be a second header. */
static void check_map(struct complaints *c, const char *field, double max,
                      struct json_object *value)
{
    if (!json_object_is_type(value, json_type_object)) {
        complain(c, field, "must be an object of texts");
        return;
    }
    if (json_object_object_length(value) > max)
        complain(c, field, "has more than %.0f members", max);
    json_object_object_foreach(value, name, item)
    {
        char *path = mem_format("%s.%.64s", field, name);

        check_text(c, path, TEXT_MAX_BYTES, item);
        if (*name == '\0' || strpbrk(name, "\r\n:") ||
            (json_object_is_type(item, json_type_string) &&
             strpbrk(json_object_get_string(item), "\r\n")))
            complain(c, path, "must be a name and a value on one line");
        free(path);
    }
}

static void check_members(struct complaints *c, const char *field,
                          const char *name, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_object)) {
        complain(c, field, "must be an object");
        return;
    }
    json_object_object_foreach(value, member, item)
    {
        char *path = mem_format("%s.%.64s", field, member);
        char *full = mem_format("%s.%.64s", name, member);

        check_value(c, path, full, item);
        free(path);
        free(full);
    }
}

static void check_items(struct complaints *c, const char *field,
                        const struct option *o, struct json_object *value)
{
    size_t count;

    if (!json_object_is_type(value, json_type_array)) {
        complain(c, field, "must be an array");
        return;
    }
    count = json_object_array_length(value);
    if ((double)count > o->max) {
        complain(c, field, "has more than %.0f elements", o->max);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(value, i);
        char *path = mem_format("%s.%zu", field, i);

        if (o->type == OPTION_TEXTS)
            check_text(c, path, TEXT_MAX_BYTES, item);
        else
            check_members(c, path, o->name, item);
        free(path);
    }
}

static void check_value(struct complaints *c, const char *field,
                        const char *name, struct json_object *value)
{
    const struct option *o = find(name);

    if (!o) {
        complain(c, field, "is no option; docs/api.md lists them");
        return;
    }
    switch (o->type) {
    case OPTION_SWITCH:
        if (!json_object_is_type(value, json_type_boolean))
            complain(c, field, "must be true or false");
        break;
    case OPTION_INTEGER:
    case OPTION_NUMBER:
        check_number(c, field, o, value);
        break;
    case OPTION_WORD:
        check_word(c, field, o, value);
        break;
    case OPTION_TEXT:
        check_text(c, field, o->max, value);
        break;
    case OPTION_TEXTS:
    case OPTION_OBJECTS:
        check_items(c, field, o, value);
        break;
    case OPTION_TEXT_MAP:
        check_map(c, field, o->max, value);
        break;
    case OPTION_TEXT_OR_MAP:
        if (json_object_is_type(value, json_type_string))
            check_text(c, field, 64, value);
        else
            check_map(c, field, o->max, value);
        break;
    case OPTION_OBJECT:
        check_members(c, field, o->name, value);
        break;
    case OPTION_RESERVED:
        complain(c, field, "is not yours to set: %s", o->words);
        break;
    }
}

/* A dot in a name is ours, it stands for a level. */
void option_check(struct complaints *c, const char *field, const char *name,
                  struct json_object *value)
{
    check_value(c, field, strchr(name, '.') ? "" : name, value);
}
