#include "common/body_variants.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"

/* Nobody has a webhook's JSON of this size; indented, it would be huge. */
enum { JSON_MAX_BYTES = 1024 * 1024 };

/* the bytes */

static void put(struct buf *out, const char *ptr, size_t len)
{
    if (buf_append(out, ptr, len) != 0)
        abort(); /* make() leaves room for every variant */
}

static void without_end(struct buf *out, const char *body, size_t len)
{
    while (len > 0 && strchr(" \t\r\n", body[len - 1]))
        len--;
    put(out, body, len);
}

static void with_newline(struct buf *out, const char *body, size_t len)
{
    put(out, body, len);
    put(out, "\n", 1);
}

static void with_crlf(struct buf *out, const char *body, size_t len)
{
    put(out, body, len);
    put(out, "\r\n", 2);
}

static void lf_lines(struct buf *out, const char *body, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (body[i] != '\r' || i + 1 == len || body[i + 1] != '\n')
            put(out, body + i, 1);
    }
}

static void crlf_lines(struct buf *out, const char *body, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (body[i] == '\n' && (i == 0 || body[i - 1] != '\r'))
            put(out, "\r", 1);
        put(out, body + i, 1);
    }
}

static const char mark[] = "\xEF\xBB\xBF"; /* byte order mark */

static void without_mark(struct buf *out, const char *body, size_t len)
{
    if (len >= 3 && memcmp(body, mark, 3) == 0)
        put(out, body + 3, len - 3);
    else
        put(out, body, len);
}

static void with_mark(struct buf *out, const char *body, size_t len)
{
    put(out, mark, 3);
    put(out, body, len);
}

/* JSON, written in the ways that common libraries have */

enum layout {
    COMPACT,  /* {"a":1,"b":[]}: JavaScript */
    SPACED,   /* {"a": 1, "b": []}: Python */
    INDENTED, /* a line for each, two blanks */
};

struct style {
    enum layout layout;
    bool escapes_slashes; /* \/: PHP */
    bool ascii;           /* \u00e9: Python, PHP */
};

static void new_line(struct buf *out, size_t depth)
{
    put(out, "\n", 1);
    for (size_t i = 0; i < depth; i++)
        put(out, "  ", 2);
}

static uint32_t take_character(const char **at)
{
    static const struct {
        unsigned char mask, mark;
        size_t more;
    } forms[] = { { 0xE0, 0xC0, 1 }, { 0xF0, 0xE0, 2 }, { 0xF8, 0xF0, 3 } };
    uint32_t c = (unsigned char)*(*at)++;

    for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
        if ((c & forms[f].mask) != forms[f].mark)
            continue;
        c &= (uint32_t)(unsigned char)~forms[f].mask;
        for (size_t i = 0; i < forms[f].more; i++)
            c = c << 6 | ((unsigned char)*(*at)++ & 0x3F);
        break;
    }
    return c;
}

static void put_escape(struct buf *out, uint32_t unit)
{
    char text[8];

    put(out, text, (size_t)snprintf(text, sizeof text, "\\u%04x", unit));
}

/* One character inside a string that json-c has written: valid UTF-8. */
static void put_character(struct buf *out, const char **at,
                          const struct style *style)
{
    uint32_t c = 0;

    if ((unsigned char)**at < 0x80 || !style->ascii) {
        put(out, (*at)++, 1);
        return;
    }
    c = take_character(at);
    if (c < 0x10000) {
        put_escape(out, c);
    } else {
        put_escape(out, 0xD800 + ((c - 0x10000) >> 10));
        put_escape(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
    }
}

/* A string with its quotes; moves behind it. */
static void put_string(struct buf *out, const char **at,
                       const struct style *style)
{
    put(out, (*at)++, 1);
    while (**at != '"') {
        if (**at == '\\')
            put(out, (*at)++, 1);
        put_character(out, at, style);
    }
    put(out, (*at)++, 1);
}

/* Lays out compact JSON. */
static void lay_out(struct buf *out, const char *at, const struct style *style)
{
    bool indented = style->layout == INDENTED;
    size_t depth = 0;

    while (*at) {
        char c = *at;
        bool empty = strchr("[{", c) && strchr("]}", at[1]);

        if (c == '"') {
            put_string(out, &at, style);
            continue;
        }
        at++;
        if (indented && strchr("]}", c))
            new_line(out, --depth);
        put(out, &c, 1);
        if (empty) {
            put(out, at++, 1);
        } else if (indented && strchr("[{", c)) {
            new_line(out, ++depth);
        } else if (c == ',' && indented) {
            new_line(out, depth);
        } else if ((c == ',' && style->layout == SPACED) ||
                   (c == ':' && style->layout != COMPACT)) {
            put(out, " ", 1);
        }
    }
}

static void rewrite(struct buf *out, const char *body, size_t len,
                    const struct style *style)
{
    char error[128];
    struct json_object *root = json_parse(body, len, error, sizeof error);

    if (root)
        lay_out(out,
                json_object_to_json_string_ext(
                    root, style->escapes_slashes
                              ? JSON_C_TO_STRING_PLAIN
                              : JSON_C_TO_STRING_NOSLASHESCAPE),
                style);
    json_object_put(root);
}

/* all of them */

static const struct {
    void (*change)(struct buf *out, const char *body, size_t len);
    struct style style; /* without `change`: the JSON in this style */
    const char *text;
} variants[] = {
    { without_end, { 0 }, "a newline or blanks were added at its end" },
    { with_newline, { 0 }, "the newline at its end was removed" },
    { with_crlf, { 0 }, "the line end (CR LF) at its end was removed" },
    { lf_lines, { 0 }, "line ends were changed from LF to CR LF" },
    { crlf_lines, { 0 }, "line ends were changed from CR LF to LF" },
    { without_mark, { 0 }, "a byte order mark was added" },
    { with_mark, { 0 }, "its byte order mark was removed" },
    { NULL, { COMPACT, false, false }, "the JSON was written anew" },
    { NULL, { COMPACT, true, false }, "the JSON was written anew" },
    { NULL, { COMPACT, false, true }, "the JSON was written anew" },
    { NULL, { COMPACT, true, true }, "the JSON was written anew" },
    { NULL, { SPACED, false, false }, "the JSON was written anew" },
    { NULL, { SPACED, false, true }, "the JSON was written anew" },
    { NULL, { INDENTED, false, false }, "the JSON was written anew" },
    { NULL, { INDENTED, false, true }, "the JSON was written anew" },
};

size_t body_variant_count(void)
{
    return ARRAY_LEN(variants);
}

const char *body_variant_text(size_t i)
{
    return variants[i].text;
}

char *body_variant(size_t i, const char *body, size_t body_len,
                   size_t *variant_len)
{
    struct buf out;

    /* indenting is the dearest: a line of 2 * LIMIT_JSON_DEPTH for a comma */
    buf_init(&out, 80 * body_len + 16);
    if (variants[i].change)
        variants[i].change(&out, body, body_len);
    else if (body_len <= JSON_MAX_BYTES)
        rewrite(&out, body, body_len, &variants[i].style);
    *variant_len = out.len;
    if (out.len > 0 &&
        (out.len != body_len || memcmp(out.data, body, body_len) != 0))
        return buf_detach(&out, variant_len);
    buf_release(&out);
    return NULL;
}
