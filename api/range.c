#include "api/range.h"

#include <string.h>
#include <strings.h>

enum { DIGITS_MAX = 18 }; /* what surely fits */

/* -1 when there is no number; one that is too long counts as endless. */
static int take_number(const char **text, uint64_t *out)
{
    size_t digits = strspn(*text, "0123456789");

    *out = 0;
    if (digits == 0)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        if (*out < UINT64_MAX / 10 - 1)
            *out = *out * 10 + (uint64_t)((*text)[i] - '0');
    }
    if (digits > DIGITS_MAX)
        *out = UINT64_MAX;
    *text += digits;
    return 0;
}

static enum range_verdict part(uint64_t from, uint64_t last, size_t size,
                               size_t *first, size_t *len)
{
    if (from >= size)
        return RANGE_NONE;
    if (last >= size)
        last = size - 1;
    *first = (size_t)from;
    *len = (size_t)(last - from + 1);
    return RANGE_PART;
}

enum range_verdict range_parse(const char *header, size_t size, size_t *first,
                               size_t *len)
{
    static const char unit[] = "bytes=";
    uint64_t from, last;
    const char *text;
    bool suffix;

    if (!header || strncasecmp(header, unit, sizeof unit - 1) != 0)
        return RANGE_WHOLE;
    text = header + sizeof unit - 1;
    text += strspn(text, " \t");
    suffix = take_number(&text, &from) != 0;
    if (*text++ != '-')
        return RANGE_WHOLE;
    if (take_number(&text, &last) != 0) {
        if (suffix)
            return RANGE_WHOLE;
        last = UINT64_MAX;
    }
    text += strspn(text, " \t");
    if (*text != '\0')
        return RANGE_WHOLE;
    if (!suffix)
        return last < from ? RANGE_WHOLE : part(from, last, size, first, len);
    if (last == 0)
        return RANGE_NONE;
    return part(last < size ? size - last : 0, UINT64_MAX, size, first, len);
}
