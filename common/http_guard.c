#include "common/http_guard.h"

#include <string.h>
#include <strings.h>

#include "common/eight.h"
#include "common/encoding.h"
#include "common/limits.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return hex_value(c) >= 0;
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* NUL is in no set. */
static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* RFC 9110, 5.6.2 */
static bool is_tchar(char c)
{
    if (is_alnum(c) || c == '-') /* nearly all of them */
        return true;
    switch (c) {
    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '.':
    case '^':
    case '_':
    case '`':
    case '|':
    case '~':
        return true;
    default:
        return false;
    }
}

static bool is_token(const char *ptr, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_tchar(ptr[i]))
            return false;
    return len > 0;
}

static bool are_visible(uint64_t x)
{
    return (eight_below(x, 0x20) | eight_has(x, 0x7f)) == 0;
}

/* RFC 9110, 5.5: visible characters, blanks and obs-text. */
static bool is_value(const char *ptr, size_t len)
{
    size_t i = 0;

    while (len - i >= 8 && are_visible(eight_load(ptr + i)))
        i += 8;
    for (; i < len; i++) {
        unsigned char c = (unsigned char)ptr[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_port(const char *ptr, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_digit(ptr[i]))
            return false;
    return len <= 5;
}

/* uri-host [ ":" port ], RFC 3986, 3.2.2; an empty host is one. */
static bool is_host(const char *ptr, size_t len)
{
    size_t i = 0;

    if (len > 0 && ptr[0] == '[') {
        const char *end = memchr(ptr, ']', len);

        if (!end || end == ptr + 1)
            return false;
        for (i = 1; ptr + i < end; i++)
            if (!is_alnum(ptr[i]) && !is_one_of(ptr[i], ":.-_~"))
                return false;
        i++;
    } else {
        for (; i < len && ptr[i] != ':'; i++) {
            if (ptr[i] == '%') {
                if (len - i < 3 || !is_hex(ptr[i + 1]) || !is_hex(ptr[i + 2]))
                    return false;
                i += 2;
            } else if (!is_alnum(ptr[i]) &&
                       !is_one_of(ptr[i], "-._~!$&'()*+,;=")) {
                return false;
            }
        }
    }
    if (i == len)
        return true;
    return ptr[i] == ':' && is_port(ptr + i + 1, len - i - 1);
}

/* At most 18 digits: no overflow anywhere behind us. */
static bool is_length(const char *ptr, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_digit(ptr[i]))
            return false;
    return len > 0 && len <= 18;
}

static bool is_named(const struct http_guard_field *f, const char *name)
{
    return f->name_len == strlen(name) &&
           strncasecmp(f->name, name, f->name_len) == 0;
}

static bool starts_with(const char *ptr, size_t len, const char *prefix)
{
    size_t n = strlen(prefix);

    return len >= n && strncasecmp(ptr, prefix, n) == 0;
}

/* Absolute-form, RFC 9112, 3.2.2.  No user, and no %-encoding in the host: it
 * might decode to something that moves the path. */
static bool is_absolute(const char *target, size_t len)
{
    size_t start = starts_with(target, len, "http://")    ? strlen("http://")
                   : starts_with(target, len, "https://") ? strlen("https://")
                                                          : 0;
    size_t end = start;

    while (end < len && target[end] != '/' && target[end] != '?')
        end++;
    return start > 0 && end > start && is_host(target + start, end - start) &&
           !memchr(target + start, '%', end - start);
}

enum http_verdict http_guard_method(const char *method)
{
    return is_token(method, strlen(method)) ? HTTP_FINE : HTTP_BAD_METHOD;
}

/* Nothing that a target must not have, and no escape. */
static bool are_plain(uint64_t x)
{
    return (eight_below(x, 0x21) | eight_has(x, 0x7f) | eight_has(x, '#') |
            eight_has(x, '%')) == 0;
}

enum http_verdict http_guard_target(const char *target, size_t len)
{
    size_t i = 0;

    if (len == 1 && target[0] == '*')
        return HTTP_FINE;
    if (!starts_with(target, len, "/") && !is_absolute(target, len))
        return HTTP_BAD_TARGET;
    while (len - i >= 8 && are_plain(eight_load(target + i)))
        i += 8;
    for (; i < len; i++) {
        unsigned char c = (unsigned char)target[i];

        if (c <= 0x20 || c == 0x7f || c == '#')
            return HTTP_BAD_TARGET;
        if (c != '%')
            continue;
        if (len - i < 3 || !is_hex(target[i + 1]) || !is_hex(target[i + 2]))
            return HTTP_BAD_TARGET;
        if (target[i + 1] == '0' && target[i + 2] == '0')
            return HTTP_BAD_TARGET;
    }
    return HTTP_FINE;
}

/* What was seen of the fields that decide where a request ends. */
struct framing {
    unsigned hosts;
    unsigned lengths;
    unsigned codings;
};

static enum http_verdict check_field(const struct http_guard_field *f,
                                     struct framing *seen)
{
    const char *value = f->value;
    size_t len = f->value_len;

    if (!is_token(f->name, f->name_len))
        return HTTP_BAD_FIELD_NAME;
    if (!is_value(value, len))
        return HTTP_BAD_FIELD_VALUE;
    while (len > 0 && is_blank(value[len - 1]))
        len--;
    while (len > 0 && is_blank(value[0])) {
        value++;
        len--;
    }

    if (is_named(f, "host")) {
        if (++seen->hosts > 1 || !is_host(value, len))
            return HTTP_BAD_HOST;
    } else if (is_named(f, "content-length")) {
        if (++seen->lengths > 1 || !is_length(value, len))
            return HTTP_BAD_LENGTH;
    } else if (is_named(f, "transfer-encoding")) {
        /* The untrimmed value: libmicrohttpd before 1.0 knows this spelling
         * alone and reads anything else as a body without an end. */
        if (++seen->codings > 1 || f->value_len != strlen("chunked") ||
            strncasecmp(f->value, "chunked", f->value_len) != 0)
            return HTTP_BAD_CODING;
    }
    return HTTP_FINE;
}

enum http_verdict http_guard_check(const char *version,
                                   const struct http_guard_field *fields,
                                   size_t count)
{
    bool old = strcmp(version, "HTTP/1.0") == 0;
    struct framing seen = { 0 };

    if (count > LIMIT_HTTP_HEADERS)
        return HTTP_TOO_MANY_FIELDS;
    for (size_t i = 0; i < count; i++) {
        enum http_verdict v = check_field(&fields[i], &seen);

        if (v != HTTP_FINE)
            return v;
    }
    if (seen.hosts == 0 && !old)
        return HTTP_BAD_HOST;
    if (seen.codings > 0 && old)
        return HTTP_CODING_ON_HTTP_1_0;
    if (seen.codings > 0 && seen.lengths > 0)
        return HTTP_LENGTH_AND_CODING;
    return HTTP_FINE;
}

/* All numbers, not pointers: a part may lie in some other object. */
struct place {
    uintptr_t next;
    uintptr_t end;
};

static bool steps(struct place *at, const char *part, size_t len, size_t gap)
{
    if ((uintptr_t)part != at->next || at->end - at->next < len + gap)
        return false;
    for (size_t i = 0; i < gap; i++)
        if (part[len + i] != '\0')
            return false;
    at->next += len + gap;
    return true;
}

enum http_verdict http_guard_lines(const struct http_guard_head *head)
{
    struct place at = { (uintptr_t)head->method,
                        (uintptr_t)head->method + head->size };

    if (!steps(&at, head->method, strlen(head->method), 1) ||
        !steps(&at, head->target, head->target_len, 1) ||
        !steps(&at, head->version, strlen(head->version),
               head->count == 0 ? 4 : 2))
        return HTTP_BAD_LINES;
    for (size_t i = 0; i < head->count; i++) {
        const struct http_guard_field *f = &head->fields[i];
        bool last = i + 1 == head->count;

        if (!steps(&at, f->name, f->name_len, 1))
            return HTTP_BAD_LINES;
        for (const char *p = f->name + f->name_len + 1;
             at.next < at.end && is_blank(*p); p++)
            at.next++;
        if (!steps(&at, f->value, f->value_len, last ? 4 : 2))
            return HTTP_BAD_LINES;
    }
    return at.next == at.end ? HTTP_FINE : HTTP_BAD_LINES;
}

unsigned http_verdict_status(enum http_verdict v)
{
    switch (v) {
    case HTTP_FINE:
        return 200;
    case HTTP_BAD_CODING:
        return 501;
    case HTTP_TOO_MANY_FIELDS:
        return 431;
    default:
        return 400;
    }
}

const char *http_verdict_text(enum http_verdict v)
{
    static const char *const text[] = {
        [HTTP_FINE] = "fine",
        [HTTP_BAD_METHOD] = "invalid method",
        [HTTP_BAD_TARGET] = "invalid request target",
        [HTTP_BAD_HOST] = "missing, repeated or invalid Host",
        [HTTP_BAD_LENGTH] = "repeated or invalid Content-Length",
        [HTTP_LENGTH_AND_CODING] = "Content-Length with Transfer-Encoding",
        [HTTP_CODING_ON_HTTP_1_0] = "Transfer-Encoding in HTTP/1.0",
        [HTTP_BAD_CODING] = "unsupported Transfer-Encoding",
        [HTTP_BAD_FIELD_NAME] = "invalid header name",
        [HTTP_BAD_FIELD_VALUE] = "invalid header value",
        [HTTP_BAD_LINES] = "malformed header lines",
        [HTTP_TOO_MANY_FIELDS] = "too many headers",
    };

    return text[v];
}
