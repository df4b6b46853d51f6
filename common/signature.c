#include "common/signature.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* What a signature header says, decoded. */
struct header {
    uint8_t digests[SIGNATURE_DIGESTS_MAX][DIGEST_MAX];
    size_t count;
    /* COMPOSITE: as written; "" when it is not there */
    char timestamp[SIGNATURE_TIMESTAMP_SIZE];
};

/* Texts of a template's placeholders. */
struct signed_texts {
    struct piece id, timestamp, body;
};

static bool starts_with(const char *ptr, size_t len, const char *prefix)
{
    size_t prefix_len = strlen(prefix);

    return len >= prefix_len && memcmp(ptr, prefix, prefix_len) == 0;
}

static bool equals(const char *ptr, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(ptr, word, len) == 0;
}

/* template */

/* The next piece of a template: a literal, or a placeholder's name with its
 * braces.  Returns its length, 0 at the end. */
static size_t next_piece(const char *template)
{
    size_t len = 0;

    if (template[0] == '{') {
        len = strcspn(template, "}");
        return len + (template[len] == '}');
    }
    return strcspn(template, "{");
}

int signature_template_check(const char *template, char *error,
                             size_t error_size)
{
    size_t count = 0;
    bool has_body = false;

    for (size_t len = 0; *template; template += len) {
        len = next_piece(template);
        if (template[0] == '{' && !equals(template, len, "{id}") &&
            !equals(template, len, "{timestamp}") &&
            !equals(template, len, "{body}")) {
            snprintf(error, error_size,
                     "\"%.*s\" is not one of {id}, {timestamp}, {body}",
                     (int)(len < 64 ? len : 64), template);
            return -1;
        }
        has_body = has_body || equals(template, len, "{body}");
        count++;
    }
    if (!has_body || count > SIGNATURE_PIECES_MAX) {
        snprintf(error, error_size,
                 has_body ? "has too many pieces"
                          : "must contain {body}: the body would be unsigned");
        return -1;
    }
    return 0;
}

static size_t fill_template(const char *template,
                            const struct signed_texts *texts,
                            struct piece pieces[SIGNATURE_PIECES_MAX])
{
    size_t count = 0;

    for (size_t len = 0; *template; template += len) {
        struct piece piece = { template, len = next_piece(template) };

        assert(count < SIGNATURE_PIECES_MAX); /* signature_template_check() */
        if (equals(template, len, "{id}"))
            piece = texts->id;
        else if (equals(template, len, "{timestamp}"))
            piece = texts->timestamp;
        else if (equals(template, len, "{body}"))
            piece = texts->body;
        pieces[count++] = piece;
    }
    return count;
}

static size_t compute(const struct signature_scheme *scheme,
                      const struct secret *key,
                      const struct signed_texts *texts, uint8_t out[DIGEST_MAX])
{
    struct piece pieces[SIGNATURE_PIECES_MAX];
    size_t count = fill_template(scheme->template, texts, pieces);

    return hmac_digest(scheme->algorithm, key, pieces, count, out);
}

/* header */

static int add_digest(const struct signature_scheme *scheme,
                      struct header *header, const char *text, size_t len)
{
    size_t size = digest_size(scheme->algorithm);
    uint8_t *decoded = NULL;
    size_t decoded_len = 0;
    int result = -1;

    if (header->count == SIGNATURE_DIGESTS_MAX)
        return -1;
    if (scheme->encoding == SIGNATURE_HEX) {
        if (hex_decode(text, len, header->digests[header->count], size))
            result = 0;
    } else {
        decoded = base64_decode(text, len, &decoded_len);
        if (decoded && decoded_len == size) {
            memcpy(header->digests[header->count], decoded, size);
            result = 0;
        }
        free(decoded);
    }
    if (result == 0)
        header->count++;
    return result;
}

/* One "k=v" of a composite header; names that the scheme does not know are
 * passed over, as providers add some (Stripe's v0, for one). */
static int read_pair(const struct signature_scheme *scheme,
                     struct header *header, const char *pair, size_t len)
{
    const char *equal_sign = memchr(pair, '=', len);
    size_t name_len = 0;
    const char *value = NULL;
    size_t value_len = 0;

    if (!equal_sign || equal_sign == pair)
        return -1;
    name_len = (size_t)(equal_sign - pair);
    value = equal_sign + 1;
    value_len = len - name_len - 1;
    if (equals(pair, name_len, scheme->key_name))
        return add_digest(scheme, header, value, value_len);
    if (scheme->timestamp_key &&
        equals(pair, name_len, scheme->timestamp_key)) {
        /* twice: which one was signed? */
        if (header->timestamp[0] || value_len == 0 ||
            value_len >= sizeof header->timestamp)
            return -1;
        memcpy(header->timestamp, value, value_len);
        header->timestamp[value_len] = '\0';
    }
    return 0;
}

static int read_composite(const struct signature_scheme *scheme,
                          struct header *header, const char *text)
{
    for (;;) {
        size_t len = 0;
        size_t pair_len = 0;

        text += strspn(text, " \t");
        pair_len = len = strcspn(text, ",");
        while (pair_len > 0 && strchr(" \t", text[pair_len - 1]))
            pair_len--;
        if (read_pair(scheme, header, text, pair_len) != 0)
            return -1;
        if (text[len] == '\0')
            return 0;
        text += len + 1;
    }
}

/* Standard Webhooks: "v1,BASE64 v1,BASE64 v1a,…"; other versions are passed
 * over. */
static int read_list(const struct signature_scheme *scheme,
                     struct header *header, const char *text)
{
    for (;;) {
        size_t len = 0;
        const char *comma = NULL;
        size_t version_len = 0;

        text += strspn(text, " ");
        len = strcspn(text, " ");
        if (len == 0)
            return 0;
        comma = memchr(text, ',', len);
        if (!comma)
            return -1;
        version_len = (size_t)(comma - text);
        if (equals(text, version_len, scheme->prefix) &&
            add_digest(scheme, header, comma + 1, len - version_len - 1) != 0)
            return -1;
        text += len;
    }
}

static int read_header(const struct signature_scheme *scheme,
                       struct header *header, const char *text)
{
    size_t len = strlen(text);
    size_t skip = 0;
    int result = -1;

    header->count = 0;
    header->timestamp[0] = '\0';
    switch (scheme->layout) {
    case SIGNATURE_PLAIN:
        result = add_digest(scheme, header, text, len);
        break;
    case SIGNATURE_PREFIX:
        skip = strlen(scheme->prefix);
        if (starts_with(text, len, scheme->prefix))
            result = add_digest(scheme, header, text + skip, len - skip);
        break;
    case SIGNATURE_COMPOSITE:
        result = read_composite(scheme, header, text);
        break;
    case SIGNATURE_LIST:
        result = read_list(scheme, header, text);
        break;
    }
    return result == 0 && header->count > 0 ? 0 : -1;
}

/* judging */

static bool any_matches(const struct header *header, const uint8_t *digest,
                        size_t size)
{
    bool matches = false;

    for (size_t i = 0; i < header->count; i++)
        matches |= equal_constant_time((const char *)header->digests[i], size,
                                       (const char *)digest, size);
    return matches;
}

static enum signature_verdict judge_time(const char *timestamp,
                                         enum timestamp_unit unit,
                                         int64_t now_ms, int64_t max_age_ms,
                                         int64_t max_future_ms)
{
    int64_t sent_ms = 0;

    if (!timestamp)
        return SIGNATURE_NO_TIMESTAMP;
    if (timestamp_parse(timestamp, unit, &sent_ms) != 0)
        return SIGNATURE_BAD_TIMESTAMP;
    if (now_ms - sent_ms > max_age_ms)
        return SIGNATURE_TOO_OLD;
    if (sent_ms - now_ms > max_future_ms)
        return SIGNATURE_TOO_NEW;
    return SIGNATURE_FINE;
}

static struct piece text_piece(const char *text)
{
    return (struct piece){ text ? text : "", text ? strlen(text) : 0 };
}

enum signature_verdict signature_verify(const struct signature_scheme *scheme,
                                        const struct secrets *secrets,
                                        const struct signature_input *input,
                                        int64_t now_ms, int64_t max_age_ms,
                                        int64_t max_future_ms, size_t *key)
{
    struct header header;
    struct signed_texts texts;
    const char *timestamp = input->timestamp;
    uint8_t digest[DIGEST_MAX];
    size_t size = 0;
    size_t i = 0;

    if (!input->signature || (!input->id && strstr(scheme->template, "{id}")))
        return SIGNATURE_MISSING;
    if (read_header(scheme, &header, input->signature) != 0)
        return SIGNATURE_MALFORMED;
    if (scheme->layout == SIGNATURE_COMPOSITE && scheme->timestamp_key)
        timestamp = header.timestamp[0] ? header.timestamp : NULL;
    if (!timestamp && strstr(scheme->template, "{timestamp}"))
        return SIGNATURE_NO_TIMESTAMP;

    texts.id = text_piece(input->id);
    texts.timestamp = text_piece(timestamp);
    texts.body = (struct piece){ input->body, input->body_len };
    for (i = 0; i < secrets->count; i++) {
        size = compute(scheme, &secrets->items[i], &texts, digest);
        if (any_matches(&header, digest, size))
            break;
    }
    if (i == secrets->count)
        return SIGNATURE_WRONG;
    if (key)
        *key = i;
    return scheme->unit == TIMESTAMP_NONE
               ? SIGNATURE_FINE
               : judge_time(timestamp, scheme->unit, now_ms, max_age_ms,
                            max_future_ms);
}

void signature_timestamp(const struct signature_scheme *scheme,
                         const struct signature_input *input,
                         char out[SIGNATURE_TIMESTAMP_SIZE])
{
    struct header header;
    const char *text = input->timestamp;

    if (scheme->layout == SIGNATURE_COMPOSITE && scheme->timestamp_key)
        text = input->signature &&
                       read_header(scheme, &header, input->signature) == 0
                   ? header.timestamp
                   : NULL;
    snprintf(out, SIGNATURE_TIMESTAMP_SIZE, "%s", text ? text : "");
}

const char *signature_verdict_name(enum signature_verdict v)
{
    static const char *const names[] = {
        [SIGNATURE_FINE] = "fine",
        [SIGNATURE_MISSING] = "missing-signature",
        [SIGNATURE_MALFORMED] = "malformed-signature",
        [SIGNATURE_WRONG] = "wrong-signature",
        [SIGNATURE_NO_TIMESTAMP] = "missing-timestamp",
        [SIGNATURE_BAD_TIMESTAMP] = "bad-timestamp",
        [SIGNATURE_TOO_OLD] = "too-old",
        [SIGNATURE_TOO_NEW] = "too-new",
    };

    return names[v];
}

/* making */

static char *encode(const struct signature_scheme *scheme,
                    const uint8_t *digest, size_t size)
{
    char *text = NULL;

    if (scheme->encoding == SIGNATURE_BASE64)
        return base64_encode(digest, size, false);
    text = mem_alloc(2 * size + 1);
    hex_encode(digest, size, text);
    return text;
}

char *signature_make(const struct signature_scheme *scheme,
                     const struct secret *key, const char *id,
                     const char *timestamp, const char *body, size_t body_len)
{
    struct signed_texts texts = {
        .id = text_piece(id),
        .timestamp = text_piece(timestamp),
        .body = { body, body_len },
    };
    uint8_t digest[DIGEST_MAX];
    char *text = encode(scheme, digest, compute(scheme, key, &texts, digest));
    char *header = NULL;

    switch (scheme->layout) {
    case SIGNATURE_PLAIN:
        return text;
    case SIGNATURE_PREFIX:
        header = mem_format("%s%s", scheme->prefix, text);
        break;
    case SIGNATURE_COMPOSITE:
        header = scheme->timestamp_key && timestamp
                     ? mem_format("%s=%s,%s=%s", scheme->timestamp_key,
                                  timestamp, scheme->key_name, text)
                     : mem_format("%s=%s", scheme->key_name, text);
        break;
    case SIGNATURE_LIST:
        header = mem_format("%s,%s", scheme->prefix, text);
        break;
    }
    free(text);
    return header;
}
