#include "common/db.h"

#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"

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
    enum { CHUNK = 1024 };
    char hex[2 * CHUNK + 1];

    separate(b);
    put(b, "\"\\\\x", 4);
    while (len > 0) {
        size_t n = len < CHUNK ? len : CHUNK;

        hex_encode((const uint8_t *)ptr, n, hex);
        put(b, hex, 2 * n);
        ptr += n;
        len -= n;
    }
    put(b, "\"", 1);
}

void db_array_end(struct buf *b)
{
    put(b, "}", 1);
}
