#include "api/engine_packet.h"

#include <string.h>

enum { ID_DIGITS_MAX = 18 };

size_t engine_packet_len(const char *ptr, size_t len)
{
    const char *end = memchr(ptr, ENGINE_SEPARATOR, len);

    return end ? (size_t)(end - ptr) : len;
}

bool socketio_packet_parse(const char *ptr, size_t len,
                           struct socketio_packet *out)
{
    const char *end = ptr + len;
    const char *comma;

    *out = (struct socketio_packet){ 0 };
    if (len == 0 || *ptr < SOCKETIO_CONNECT || *ptr > SOCKETIO_ERROR)
        return false;
    out->type = (enum socketio_type) * ptr++;
    if (ptr < end && *ptr == '/') {
        comma = memchr(ptr, ',', (size_t)(end - ptr));
        out->name = ptr;
        out->name_len = (size_t)((comma ? comma : end) - ptr);
        ptr = comma ? comma + 1 : end;
    }
    out->id = ptr;
    while (ptr < end && *ptr >= '0' && *ptr <= '9')
        ptr++;
    out->id_len = (size_t)(ptr - out->id);
    if (out->id_len > ID_DIGITS_MAX)
        return false;
    if (out->id_len == 0)
        out->id = NULL;
    out->json = ptr;
    out->json_len = (size_t)(end - ptr);
    return true;
}
