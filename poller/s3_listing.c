#include "poller/s3_listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/timestamp.h"

/* A part of the text. */
struct span {
    const char *ptr;
    size_t len;
};

static bool find(const struct span *in, const char *text, size_t *at)
{
    const char *found = memmem(in->ptr, in->len, text, strlen(text));

    if (found)
        *at = (size_t)(found - in->ptr);
    return found != NULL;
}

/* What stands between the first <name> and the next </name>; `in` goes on
 * behind that.  False, and `in` as it was: there is none. */
static bool take(struct span *in, const char *name, struct span *out)
{
    char open[40], close[40];
    struct span rest;
    size_t at = 0, end = 0;

    snprintf(open, sizeof open, "<%s>", name);
    snprintf(close, sizeof close, "</%s>", name);
    if (!find(in, open, &at))
        return false;
    at += strlen(open);
    rest = (struct span){ in->ptr + at, in->len - at };
    if (!find(&rest, close, &end))
        return false;
    *out = (struct span){ rest.ptr, end };
    end += strlen(close);
    *in = (struct span){ rest.ptr + end, rest.len - end };
    return true;
}

/* One that `in` has; `in` stays as it is. */
static bool look(const struct span *in, const char *name, struct span *out)
{
    struct span copy = *in;

    return take(&copy, name, out);
}

/* The character behind "&…;" at `s`, which goes on behind it; -1: none that
 * could stand in a key. */
static int unescape(struct span *s)
{
    static const struct {
        const char *name;
        char is;
    } names[] = { { "&amp;", '&' },  { "&lt;", '<' },    { "&gt;", '>' },
                  { "&quot;", '"' }, { "&apos;", '\'' }, { "&#34;", '"' },
                  { "&#x22;", '"' }, { "&#39;", '\'' },  { "&#x27;", '\'' },
                  { "&#38;", '&' },  { "&#x26;", '&' } };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i].name);

        if (s->len >= len && memcmp(s->ptr, names[i].name, len) == 0) {
            *s = (struct span){ s->ptr + len, s->len - len };
            return names[i].is;
        }
    }
    return -1;
}

/* NULL when it is no text that could be a key. */
static char *make_key(struct span text)
{
    char *key = mem_alloc(text.len + 1), *to = key;

    while (text.len > 0) {
        int c = (unsigned char)*text.ptr;

        if (c == '&') {
            c = unescape(&text);
        } else {
            text.ptr++;
            text.len--;
        }
        if (c <= 0) {
            free(key);
            return NULL;
        }
        *to++ = (char)c;
    }
    *to = '\0';
    return key;
}

static bool number(const struct span *text, int64_t *out)
{
    int64_t value = 0;

    if (text->len == 0 || text->len > 18)
        return false;
    for (size_t i = 0; i < text->len; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9')
            return false;
        value = value * 10 + (text->ptr[i] - '0');
    }
    *out = value;
    return true;
}

static bool read_object(struct s3_object *o, const struct span *contents)
{
    struct span key, size, modified;
    char time[40];

    if (!look(contents, "Key", &key) || !look(contents, "Size", &size) ||
        !look(contents, "LastModified", &modified) ||
        !number(&size, &o->bytes) || modified.len >= sizeof time)
        return false;
    memcpy(time, modified.ptr, modified.len);
    time[modified.len] = '\0';
    if (timestamp_parse(time, TIMESTAMP_ISO8601, &o->modified_ms) != 0)
        return false;
    o->key = make_key(key);
    return o->key != NULL;
}

int s3_listing_parse(struct s3_listing *out, const char *xml, size_t len)
{
    struct span all = { xml, len }, text, contents;
    size_t at = 0, room = 0;

    *out = (struct s3_listing){ 0 };
    if (!find(&all, "<ListBucketResult", &at) ||
        !look(&all, "IsTruncated", &text))
        return -1;
    out->more = text.len == 4 && memcmp(text.ptr, "true", 4) == 0;
    while (take(&all, "Contents", &contents)) {
        if (out->count == room) {
            room = room ? 2 * room : 64;
            out->objects =
                mem_resize_array(out->objects, room, sizeof *out->objects);
        }
        if (!read_object(&out->objects[out->count], &contents))
            return -1;
        out->count++;
    }
    return 0;
}

void s3_listing_release(struct s3_listing *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->objects[i].key);
    free(l->objects);
    *l = (struct s3_listing){ 0 };
}
