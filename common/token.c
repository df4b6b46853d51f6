#include "common/token.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/mem.h"

void token_make(const struct secret *key, const char *job_id, int64_t attempt,
                char out[TOKEN_SIZE])
{
    /* the first line keeps a token from ever being a webhook's signature under
     * the same key */
    static const char purpose[] = "shotfleet token\n";
    char attempt_text[1 + DECIMAL_SIZE] = "\n";
    struct piece pieces[] = {
        { purpose, sizeof purpose - 1 },
        { job_id, strlen(job_id) },
        { attempt_text, 0 },
    };
    uint8_t digest[DIGEST_MAX];
    char *text = NULL;

    pieces[2].len = 1 + decimal_encode(attempt, attempt_text + 1);
    text = base64_encode(
        digest,
        hmac_digest(SIGNATURE_SHA256, key, pieces, ARRAY_LEN(pieces), digest),
        true);
    memcpy(out, text, TOKEN_SIZE);
    free(text);
}

bool token_check(const struct secrets *keys, const char *job_id,
                 int64_t attempt, const char *token)
{
    char expected[TOKEN_SIZE];

    for (size_t i = 0; i < keys->count; i++) {
        token_make(&keys->items[i], job_id, attempt, expected);
        if (equal_constant_time(expected, TOKEN_SIZE - 1, token, strlen(token)))
            return true;
    }
    return false;
}

/* What goes between a URL and one more query parameter. */
static const char *separator(const char *url)
{
    const char *query = strchr(url, '?');

    if (!query)
        return "?";
    return query[1] == '\0' || url[strlen(url) - 1] == '&' ? "" : "&";
}

char *webhook_url_make(const char *base, const struct secret *key,
                       const char *job_id, int64_t attempt)
{
    char token[TOKEN_SIZE];

    if (!key)
        return mem_format("%s%sjobId=%s&attempt=%" PRId64, base,
                          separator(base), job_id, attempt);
    token_make(key, job_id, attempt, token);
    return mem_format("%s%sjobId=%s&attempt=%" PRId64 "&token=%s", base,
                      separator(base), job_id, attempt, token);
}

bool uuid_is_valid(const char *text)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    for (size_t i = 0; i < sizeof shape - 1; i++) {
        if (shape[i] == '-' ? text[i] != '-' : hex_value(text[i]) < 0)
            return false;
    }
    return text[sizeof shape - 1] == '\0';
}
