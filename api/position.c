#include "api/position.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

int entry_id_compare(struct entry_id a, struct entry_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return a.n < b.n ? -1 : a.n > b.n;
}

static size_t number_parse(const char *text, uint64_t *out)
{
    size_t len = 0;

    *out = 0;
    for (; text[len] >= '0' && text[len] <= '9'; len++) {
        uint64_t digit = (uint64_t)(text[len] - '0');

        if (*out > (UINT64_MAX - digit) / 10)
            return 0;
        *out = *out * 10 + digit;
    }
    return len;
}

size_t entry_id_parse(const char *text, struct entry_id *out)
{
    size_t first = number_parse(text, &out->ms);
    size_t second;

    if (first == 0 || text[first] != '-')
        return 0;
    second = number_parse(text + first + 1, &out->n);
    return second > 0 ? first + 1 + second : 0;
}

void position_format(const struct position *p, char out[POSITION_TEXT_SIZE])
{
    size_t len = 0;

    assert(p->count > 0 && p->count <= SHARDS_MAX);
    for (size_t i = 0; i < p->count; i++)
        len += (size_t)snprintf(out + len, POSITION_TEXT_SIZE - len,
                                "%s%" PRIu64 "-%" PRIu64, i > 0 ? "," : "",
                                p->at[i].ms, p->at[i].n);
}

bool position_parse(const char *text, size_t count, struct position *out)
{
    assert(count > 0 && count <= SHARDS_MAX);
    *out = (struct position){ .count = count };
    for (size_t i = 0; i < count; i++) {
        size_t len;

        if (i > 0 && *text++ != ',')
            return false;
        len = entry_id_parse(text, &out->at[i]);
        if (len == 0)
            return false;
        text += len;
    }
    return *text == '\0';
}
