/* Any body, read by the maps of the shipped profiles.  The first byte chooses
 * the map, the second the content type and whether the first line is a head. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_grammar.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/profile.h"
#include "common/token.h"
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
    struct event_source source = { 0 };
    char *head = NULL;
    size_t head_len = 0;
    struct event e;
    char error[512] = "";

    if (profiles.count == 0 && profiles_load(&profiles, SOURCE_DIR "/providers",
                                             error, sizeof error) != 0) {
        fprintf(stderr, "%s\n", error);
        abort();
    }
    if (size < 2)
        return 0;
    p = &profiles.items[data[0] / 2 % profiles.count];
    while (2 + head_len < size && data[2 + head_len] != '\n')
        head_len++;
    head = mem_dup((const char *)data + 2, head_len);
    source.head = data[1] & 1 ? head : NULL;
    source.type = data[1] & 2 ? "image/png" : "application/json";
    source.body = (const char *)data + 2;
    source.body_len = size - 2;
    if (source.head && 2 + head_len < size) {
        source.body += head_len + 1;
        source.body_len -= head_len + 1;
    }
    if (event_parse(&e,
                    data[0] % 2 && p->status.path ? &p->status.payload
                                                  : &p->webhook.payload,
                    &source, error, sizeof error) != 0)
        assert(error[0] != '\0' && e.kind == EVENT_UNCLEAR && !e.picture);
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
    assert(!e.own_job || uuid_is_valid(e.own_job));
    assert(!e.picture == (e.picture_len == 0));
    event_release(&e);
    free(head);
    return 0;
}
