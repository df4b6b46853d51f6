/* buf.h - a growing byte buffer that demands its maximum.
 *
 * The bytes are always followed by a NUL that does not count.  An append that
 * would pass `max` adds nothing and returns -1; the buffer stays as it was.
 */
#ifndef BUF_H
#define BUF_H

#include "common/base.h"

struct buf {
    char *data; /* NULL until the first append; then NUL-terminated */
    size_t len;
    size_t cap;
    size_t max; /* most bytes that it will ever hold */
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
/* Empties it, keeps the memory. */
void buf_clear(struct buf *b);
/* Hands the bytes to the caller, who frees them; never NULL. */
char *buf_detach(struct buf *b, size_t *len);

MUST_USE int buf_append(struct buf *b, const char *ptr, size_t len);
MUST_USE int buf_append_str(struct buf *b, const char *s);
MUST_USE PRINTF_LIKE(2, 3) int buf_printf(struct buf *b, const char *fmt, ...);
/* Drops the first `len` bytes. */
void buf_consume(struct buf *b, size_t len);

#endif
