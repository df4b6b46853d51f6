#include "common/json_escape.h"

#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

int json_escape(struct buf *out, const char *text, size_t max)
{
    size_t len = strlen(text);

    while (len > 0) {
        unsigned char c = (unsigned char)*text;
        size_t used = utf8_sequence(text, len);
        const char *piece = text;
        size_t piece_len = used;
        char escape[sizeof "\\u0000"];

        if (used == 0) {
            piece = "\xef\xbf\xbd";
            piece_len = 3;
            used = 1;
        } else if (c == '"' || c == '\\') {
            piece_len = (size_t)snprintf(escape, sizeof escape, "\\%c", c);
            piece = escape;
        } else if (c == '\n') {
            piece = "\\n";
            piece_len = 2;
        } else if (c < 0x20 || c == 0x7f) {
            piece_len = (size_t)snprintf(escape, sizeof escape, "\\u%04x", c);
            piece = escape;
        }
        if (piece_len > max)
            return 0;
        if (buf_append(out, piece, piece_len) != 0)
            return -1;
        max -= piece_len;
        text += used;
        len -= used;
    }
    return 0;
}
