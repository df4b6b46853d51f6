#include "common/query.h"

#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/mem.h"

/* In place; what is no %XX stays as it is. */
static void decode(char *text)
{
    char *out = text;

    for (const char *in = text; *in; in++) {
        int high = *in == '%' ? hex_value(in[1]) : -1;
        int low = high >= 0 ? hex_value(in[2]) : -1;

        if (low >= 0) {
            *out++ = (char)(high << 4 | low);
            in += 2;
        } else {
            *out++ = *in == '+' ? ' ' : *in;
        }
    }
    *out = '\0';
}

static size_t count_of(const char *text)
{
    size_t count = 1;

    while ((text = strchr(text, '&'))) {
        count++;
        text++;
    }
    return count;
}

static void add(struct query *q, char *part, bool encoded)
{
    char *value = strchr(part, '=');

    if (*part == '\0')
        return;
    if (value)
        *value++ = '\0';
    else
        value = part + strlen(part);
    if (encoded) {
        decode(part);
        decode(value);
    }
    q->items[q->count++] = (struct query_parameter){ part, value };
}

int query_parse(struct query *q, const char *text)
{
    bool encoded = strchr(text, '%') || strchr(text, '+');
    size_t count = count_of(text);
    size_t size;
    char *next;

    *q = (struct query){ 0 };
    if (count > QUERY_MAX)
        return -1;
    size = strlen(text) + 1;
    q->items = mem_alloc(count * sizeof *q->items + size);
    next = memcpy(q->items + count, text, size);
    while (next)
        add(q, strsep(&next, "&"), encoded);
    return 0;
}

void query_release(struct query *q)
{
    free(q->items);
    *q = (struct query){ 0 };
}

const char *query_find(const struct query *q, const char *name, unsigned *count)
{
    const char *first = NULL;
    unsigned found = 0;

    for (size_t i = 0; i < q->count; i++)
        if (strcmp(q->items[i].name, name) == 0 && found++ == 0)
            first = q->items[i].value;
    if (count)
        *count = found;
    return first;
}
