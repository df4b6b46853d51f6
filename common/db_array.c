#include "common/db.h"

#include <stdlib.h>
#include <string.h>

/* The callers bound what goes in; a full buffer is our own bug. */
static void put(struct buf *b, const char *ptr, size_t len)
{
    if (buf_append(b, ptr, len) != 0)
        abort();
}

void db_array_begin(struct buf *b)
{
    buf_clear(b);
    put(b, "{", 1);
}

static void separate(struct buf *b)
{
    if (b->len > 1)
        put(b, ",", 1);
}

void db_array_add(struct buf *b, const char *value)
{
    separate(b);
    if (!value) {
        put(b, "NULL", 4);
        return;
    }
    put(b, "\"", 1);
    while (*value) {
        size_t plain = strcspn(value, "\"\\");

        put(b, value, plain);
        value += plain;
        if (*value) {
            put(b, "\\", 1);
            put(b, value++, 1);
        }
    }
    put(b, "\"", 1);
}

void db_array_add_bytes(struct buf *b, const char *ptr, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    separate(b);
    put(b, "\"\\\\x", 4);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)ptr[i];

        put(b, &digits[c >> 4], 1);
        put(b, &digits[c & 15], 1);
    }
    put(b, "\"", 1);
}

void db_array_end(struct buf *b)
{
    put(b, "}", 1);
}
