#include "common/json_grammar.h"

#include <string.h>

#include "common/eight.h"
#include "common/utf8.h"

struct scan {
    const unsigned char *at, *end;
    unsigned depth_left;
    const char *problem;
};

static bool fail(struct scan *s, const char *problem)
{
    s->problem = problem;
    return false;
}

/* The next byte, or -1 at the end. */
static int peek(const struct scan *s)
{
    return s->at < s->end ? *s->at : -1;
}

static bool take(struct scan *s, char expected)
{
    if (peek(s) != expected)
        return false;
    s->at++;
    return true;
}

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' ||
                              *s->at == '\r' || *s->at == '\n'))
        s->at++;
}

static bool take_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return fail(s, "unexpected character");
    s->at += len;
    return true;
}

static bool take_digits(struct scan *s)
{
    const unsigned char *start = s->at;

    while (peek(s) >= '0' && peek(s) <= '9')
        s->at++;
    return s->at > start || fail(s, "digit expected");
}

static bool take_number(struct scan *s)
{
    take(s, '-');
    if (!take(s, '0') && !take_digits(s))
        return false;
    if (take(s, '.') && !take_digits(s))
        return false;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        return take_digits(s);
    }
    return true;
}

static bool in_range(int c, int low, int high)
{
    return c >= low && c <= high;
}

static bool take_utf8(struct scan *s)
{
    size_t len = utf8_sequence((const char *)s->at, (size_t)(s->end - s->at));

    if (len == 0)
        return fail(s, "invalid UTF-8");
    s->at += len;
    return true;
}

static bool take_escape(struct scan *s)
{
    int c = peek(s);

    if (c < 0 || c == 0 || !strchr("\"\\/bfnrtu", c))
        return fail(s, "invalid escape");
    s->at++;
    for (int i = 0; c == 'u' && i < 4; i++) {
        int digit = peek(s);

        if (!in_range(digit, '0', '9') && !in_range(digit, 'a', 'f') &&
            !in_range(digit, 'A', 'F'))
            return fail(s, "invalid escape");
        s->at++;
    }
    return true;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static bool are_plain(const unsigned char *at)
{
    const uint64_t x = eight_load(at);

    return (eight_high(x) | eight_below(x, 0x20) | eight_has(x, '"') |
            eight_has(x, '\\')) == 0;
}

/* Most bytes of a body are those of strings. */
static void skip_plain(struct scan *s)
{
    while (s->end - s->at >= 8 && are_plain(s->at))
        s->at += 8;
    while (s->at < s->end && is_plain(*s->at))
        s->at++;
}

static bool take_string(struct scan *s)
{
    if (!take(s, '"'))
        return fail(s, "string expected");
    for (;;) {
        int c;

        skip_plain(s);
        c = peek(s);
        if (take(s, '"'))
            return true;
        if (c < 0)
            return fail(s, "unexpected end");
        if (c < 0x20)
            return fail(s, "control character in a string");
        if (c >= 0x80) {
            if (!take_utf8(s))
                return false;
            continue;
        }
        s->at++; /* a backslash */
        if (!take_escape(s))
            return false;
    }
}

static bool take_value(struct scan *s);

static bool take_member(struct scan *s)
{
    skip_blanks(s);
    if (!take_string(s))
        return false;
    skip_blanks(s);
    if (!take(s, ':'))
        return fail(s, "':' expected");
    return take_value(s);
}

/* What follows the opening bracket.  take_value() and this call each other, at
 * most max_depth times. */
static bool take_items(struct scan *s, char close,
                       bool (*take_item)(struct scan *))
{
    if (s->depth_left == 0)
        return fail(s, "nested too deep");
    skip_blanks(s);
    if (take(s, close))
        return true;
    s->depth_left--;
    do {
        if (!take_item(s))
            return false;
        skip_blanks(s);
    } while (take(s, ','));
    s->depth_left++;
    return take(s, close) || fail(s, "',' or closing bracket expected");
}

static bool take_value(struct scan *s)
{
    skip_blanks(s);
    switch (peek(s)) {
    case -1:
        return fail(s, "unexpected end");
    case '{':
        s->at++;
        return take_items(s, '}', take_member);
    case '[':
        s->at++;
        return take_items(s, ']', take_value);
    case '"':
        return take_string(s);
    case 't':
        return take_word(s, "true");
    case 'f':
        return take_word(s, "false");
    case 'n':
        return take_word(s, "null");
    default:
        if (peek(s) != '-' && !in_range(peek(s), '0', '9'))
            return fail(s, "unexpected character");
        return take_number(s);
    }
}

const char *json_grammar_check(const char *ptr, size_t len, unsigned max_depth,
                               size_t *offset)
{
    const unsigned char *start = (const unsigned char *)ptr;
    struct scan s = { start, start + len, max_depth, NULL };

    if (take_value(&s)) {
        skip_blanks(&s);
        if (s.at < s.end)
            s.problem = "unexpected character behind the value";
    }
    *offset = (size_t)(s.at - start);
    return s.problem;
}
