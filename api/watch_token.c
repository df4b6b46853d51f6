#include "api/watch_token.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"

static const char kinds[] = {
    [WATCH_CAPTURE] = 'c',
    [WATCH_BATCH] = 'b',
    [WATCH_PICTURES] = 'p',
};

/* All but the HMAC, which is over this. */
static size_t put_claim(const struct watch_claim *claim,
                        char out[WATCH_TOKEN_SIZE])
{
    int len = snprintf(out, WATCH_TOKEN_SIZE, "%c.%s.%" PRId64 ".",
                       kinds[claim->kind], claim->id, claim->expires_s);

    assert(len > 0 && len < WATCH_TOKEN_SIZE);
    return (size_t)len;
}

void watch_token_make(const struct secret *key, const struct watch_claim *claim,
                      char out[WATCH_TOKEN_SIZE])
{
    /* the first line keeps it from being anything else under the same key */
    static const char purpose[] = "shotfleet watch\n";
    size_t len = put_claim(claim, out);
    const struct piece pieces[] = { { purpose, sizeof purpose - 1 },
                                    { out, len } };
    uint8_t digest[DIGEST_MAX];
    size_t size =
        hmac_digest(SIGNATURE_SHA256, key, pieces, ARRAY_LEN(pieces), digest);
    char *text = base64_encode(digest, size, true);

    snprintf(out + len, WATCH_TOKEN_SIZE - len, "%s", text);
    free(text);
}

/* What it claims to be, in the one way of writing it. */
static bool read_claim(const char *token, struct watch_claim *claim)
{
    const char *kind = memchr(kinds, token[0], sizeof kinds);
    const char *digits = token + 2 + WATCH_ID_SIZE;
    size_t count;

    if (!kind || strlen(token) >= WATCH_TOKEN_SIZE ||
        strlen(token) <= 2 + WATCH_ID_SIZE || token[1] != '.' ||
        digits[-1] != '.')
        return false;
    claim->kind = (enum watch_kind)(kind - kinds);
    memcpy(claim->id, token + 2, WATCH_ID_SIZE - 1);
    claim->id[WATCH_ID_SIZE - 1] = '\0';
    count = strspn(digits, "0123456789");
    if (!uuid_is_valid(claim->id) || count == 0 || count > 12 ||
        digits[count] != '.')
        return false;
    claim->expires_s = strtoll(digits, NULL, 10);
    return true;
}

bool watch_token_check(const struct secrets *keys, const char *token,
                       int64_t now_s, struct watch_claim *claim)
{
    char expected[WATCH_TOKEN_SIZE];
    bool fits = false;

    if (!read_claim(token, claim))
        return false;
    for (size_t i = 0; i < keys->count; i++) { /* all of them, always */
        watch_token_make(&keys->items[i], claim, expected);
        fits |= equal_constant_time(expected, strlen(expected), token,
                                    strlen(token));
    }
    return fits && now_s < claim->expires_s;
}
