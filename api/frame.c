#include "api/frame.h"

enum { FIN = 0x80, SHORT_MAX = 125, MEDIUM = 126, LONG = 127 };

int frame_append(struct buf *out, enum frame_opcode opcode, const char *ptr,
                 size_t len)
{
    unsigned char head[10] = { (unsigned char)(FIN | opcode) };
    size_t bytes = len <= SHORT_MAX ? 0 : len <= UINT16_MAX ? 2 : 8;

    head[1] = (unsigned char)(bytes == 0 ? len : bytes == 2 ? MEDIUM : LONG);
    for (size_t i = 0; i < bytes; i++) /* in network order */
        head[2 + i] = (unsigned char)((uint64_t)len >> 8 * (bytes - 1 - i));
    if (2 + bytes + len > out->max - out->len)
        return -1;
    if (buf_append(out, (const char *)head, 2 + bytes) != 0)
        return -1;
    return buf_append(out, ptr, len);
}
