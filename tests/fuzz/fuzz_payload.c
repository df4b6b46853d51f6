/* Any body, read by the maps of the shipped profiles.  The first byte chooses
 * the map. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_grammar.h"
#include "common/limits.h"
#include "common/profile.h"
#include "tests/fuzz/fuzz.h"

static void check_text(const char *text, size_t max_bytes)
{
    size_t offset = 0;
    char quoted[2 + LIMIT_URL_BYTES];
    size_t len = text ? strlen(text) : 0;

    assert(len <= max_bytes);
    /* cut or not, it is still UTF-8: control characters aside, a JSON string */
    if (!text || len > LIMIT_URL_BYTES)
        return;
    quoted[0] = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        quoted[1 + i] = c < 0x20 || c == '"' || c == '\\' ? 'x' : text[i];
    }
    quoted[1 + len] = '"';
    assert(!json_grammar_check(quoted, len + 2, 1, &offset));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct profiles
        profiles; /* loaded once: this is the process's life */
    const struct profile *p = NULL;
    struct event e;
    char error[512] = "";

    if (profiles.count == 0 && profiles_load(&profiles, SOURCE_DIR "/providers",
                                             error, sizeof error) != 0) {
        fprintf(stderr, "%s\n", error);
        abort();
    }
    if (size == 0)
        return 0;
    p = &profiles.items[data[0] / 2 % profiles.count];
    if (event_parse(&e,
                    data[0] % 2 && p->status.path ? &p->status.payload
                                                  : &p->webhook.payload,
                    (const char *)data + 1, size - 1, error, sizeof error) != 0)
        assert(error[0] != '\0' && e.kind == EVENT_UNCLEAR);
    check_text(e.word, 256);
    check_text(e.provider_job, 256);
    check_text(e.image_url, LIMIT_URL_BYTES);
    check_text(e.error, LIMIT_ERROR_BYTES);
    check_text(e.error_code, 256);
    assert(e.width == -1 || (e.width >= 1 && e.width <= INT32_MAX));
    assert(e.height == -1 || (e.height >= 1 && e.height <= INT32_MAX));
    assert(e.size_bytes >= -1);
    assert(e.progress >= -1 && e.progress <= 100);
    assert(event_kind_name(e.kind));
    event_release(&e);
    return 0;
}
