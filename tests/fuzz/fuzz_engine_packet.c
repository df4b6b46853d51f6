/* Bodies of Engine.IO: packets that together are the body, and within them
 * packets of Socket.IO whose places lie in them. */
#include <assert.h>

#include "api/engine_packet.h"
#include "tests/fuzz/fuzz.h"

static void check_within(const char *part, size_t part_len, const char *ptr,
                         size_t len)
{
    assert(!part || (part >= ptr && part_len <= len &&
                     (size_t)(part - ptr) <= len - part_len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *ptr = (const char *)data;
    size_t left = size;

    while (left > 0) {
        size_t len = engine_packet_len(ptr, left);
        size_t step = len < left ? len + 1 : len;
        struct socketio_packet p;

        assert(len <= left);
        if (len > 0 && *ptr == ENGINE_MESSAGE &&
            socketio_packet_parse(ptr + 1, len - 1, &p)) {
            check_within(p.name, p.name_len, ptr, len);
            check_within(p.id, p.id_len, ptr, len);
            check_within(p.json, p.json_len, ptr, len);
            assert(p.name_len + p.id_len + p.json_len < len);
        }
        ptr += step;
        left -= step;
    }
    return 0;
}
