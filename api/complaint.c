#include "api/complaint.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"

enum { FIELD_MAX_BYTES = 100, REASON_MAX_BYTES = 400 };

void complaints_release(struct complaints *c)
{
    json_object_put(c->list);
    *c = (struct complaints){ 0 };
}

/* Not in the middle of a character (UTF-8). */
static size_t cut(const char *text, size_t max)
{
    size_t len = strlen(text);

    if (len <= max)
        return len;
    for (len = max; len > 0 && (text[len] & 0xc0) == 0x80; len--)
        ;
    return len;
}

static struct json_object *text_of(const char *text, size_t max)
{
    return json_object_new_string_len(text, (int)cut(text, max));
}

void complain(struct complaints *c, const char *field, const char *fmt, ...)
{
    struct json_object *item = NULL;
    char reason[2 * REASON_MAX_BYTES];
    size_t len = strlen(field);
    va_list args;

    if (c->count++ == 0)
        c->url_first = len >= 3 && strcmp(field + len - 3, "url") == 0 &&
                       (len == 3 || field[len - 4] == '.');
    if (c->count > COMPLAINTS_TOLD)
        return;
    va_start(args, fmt);
    vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);

    item = json_object_new_object();
    json_object_object_add(item, "field", text_of(field, FIELD_MAX_BYTES));
    json_object_object_add(item, "reason", text_of(reason, REASON_MAX_BYTES));
    if (!c->list)
        c->list = json_object_new_array();
    json_object_array_add(c->list, item);
}

void complaints_add(struct complaints *c, const struct complaints *from)
{
    size_t told = from->list ? json_object_array_length(from->list) : 0;

    if (c->count == 0)
        c->url_first = from->url_first;
    c->count += from->count;
    if (told > 0 && !c->list)
        c->list = json_object_new_array();
    for (size_t i = 0; i < told; i++) {
        if (json_object_array_length(c->list) == COMPLAINTS_TOLD)
            break;
        json_object_array_add(
            c->list, json_object_get(json_object_array_get_idx(from->list, i)));
    }
}

char *complaints_summary(const struct complaints *c)
{
    const char *field = json_text(c->list, "0.field");
    const char *reason = json_text(c->list, "0.reason");
    const char *colon = field && *field ? ": " : "";
    char more[48] = "";

    assert(c->count > 0 && field && reason);
    if (c->count > 1)
        snprintf(more, sizeof more, " (and %zu more, see errors)",
                 c->count - 1);
    return mem_format("%s%s%s%s", field, colon, reason, more);
}
