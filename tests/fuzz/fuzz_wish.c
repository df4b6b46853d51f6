/* What live clients ask for: bytes in, a wish that holds what it says. */
#include <assert.h>
#include <string.h>

#include "api/wish.h"
#include "common/token.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wish w;
    char error[256] = "";

    if (wish_parse(&w, (const char *)data, size, error, sizeof error) != 0) {
        assert(*error);
    } else {
        assert(w.count >= 1 && w.count <= SUBSCRIPTIONS_MAX);
        for (size_t i = 0; i < w.count; i++)
            assert(w.names[i].kind == TOPIC_ALL ? w.names[i].id[0] == '\0'
                                                : uuid_is_valid(w.names[i].id));
    }
    wish_release(&w);
    return 0;
}
