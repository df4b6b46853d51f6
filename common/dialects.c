#include "common/dialects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/body_variants.h"
#include "common/encoding.h"
#include "common/mem.h"

bool dialect_fits(const struct signature_scheme *scheme,
                  const struct secrets *secrets,
                  const struct signature_input *in, size_t *key)
{
    struct signature_scheme timeless = *scheme;

    timeless.unit = TIMESTAMP_NONE;
    return signature_verify(&timeless, secrets, in, 0, 0, 0, key) ==
           SIGNATURE_FINE;
}

bool dialect_is_spoken(const struct webhook_terms *terms,
                       const struct webhook_request *r)
{
    struct webhook w;
    enum webhook_verdict verdict = webhook_judge(&w, terms, r);
    bool spoken = verdict != WEBHOOK_NO_SECRET &&
                  verdict != WEBHOOK_BAD_SIGNATURE &&
                  w.signature != SIGNATURE_NO_TIMESTAMP;

    webhook_release(&w);
    return spoken;
}

/* keys */

static bool fits_key(const struct signature_scheme *scheme, const char *ptr,
                     size_t len, const struct signature_input *in)
{
    struct secret key = { ptr, len, NULL };
    struct secrets keys = { &key, 1 };

    return len > 0 && dialect_fits(scheme, &keys, in, NULL);
}

static bool fits_base64(const struct signature_scheme *scheme, const char *text,
                        size_t len, const struct signature_input *in)
{
    size_t decoded_len = 0;
    uint8_t *decoded = base64_decode(text, len, &decoded_len);
    bool fits =
        decoded && fits_key(scheme, (const char *)decoded, decoded_len, in);

    free(decoded);
    return fits;
}

static bool fits_hex(const struct signature_scheme *scheme, const char *text,
                     size_t len, const struct signature_input *in)
{
    uint8_t *decoded = mem_alloc(len / 2 + 1);
    bool fits = hex_decode(text, len, decoded, len / 2) &&
                fits_key(scheme, (const char *)decoded, len / 2, in);

    free(decoded);
    return fits;
}

static bool fits_with(const struct signature_scheme *scheme, const char *before,
                      const char *text, size_t len, const char *behind,
                      const struct signature_input *in)
{
    char *key = mem_format("%s%.*s%s", before, (int)len, text, behind);
    bool fits = fits_key(scheme, key, strlen(key), in);

    free(key);
    return fits;
}

const char *dialect_key_form(const struct signature_scheme *scheme,
                             const struct secret *key,
                             const struct signature_input *in)
{
    static const char whsec[] = "whsec_";
    const size_t skip = sizeof whsec - 1;
    char *encoded = base64_encode((const uint8_t *)key->ptr, key->len, false);
    const char *form = NULL;

    if (key->len > skip && memcmp(key->ptr, whsec, skip) == 0 &&
        fits_base64(scheme, key->ptr + skip, key->len - skip, in))
        form = "what follows whsec_ is to be decoded: the profile needs "
               "\"key_form\": \"whsec\"";
    else if (fits_with(scheme, whsec, encoded, strlen(encoded), "", in))
        form = "whsec_ is part of the key: the profile needs \"key_form\": "
               "\"raw\"";
    else if (fits_base64(scheme, key->ptr, key->len, in))
        form = "the sender takes it for base64; write whsec_ before it, with "
               "\"key_form\": \"whsec\" in the profile";
    else if (fits_hex(scheme, key->ptr, key->len, in))
        form = "the sender takes it for hex";
    else if (fits_with(scheme, "", key->ptr, key->len, "\n", in))
        form = "the sender's copy of it has a newline at its end";
    free(encoded);
    return form;
}

/* bodies */

const char *dialect_body_change(const struct signature_scheme *scheme,
                                const struct secrets *secrets,
                                const struct signature_input *in)
{
    for (size_t i = 0; i < body_variant_count(); i++) {
        struct signature_input changed = *in;
        char *body = body_variant(i, in->body, in->body_len, &changed.body_len);
        bool fits = false;

        changed.body = body;
        fits = body && dialect_fits(scheme, secrets, &changed, NULL);
        free(body);
        if (fits)
            return body_variant_text(i);
    }
    return NULL;
}

/* schemes */

static const char *const templates[] = {
    "{body}",
    "{timestamp}.{body}",
    "{timestamp}{body}",
    "{timestamp}:{body}",
    "{timestamp}\n{body}",
    "{body}{timestamp}",
    "{body}.{timestamp}",
    "v0:{timestamp}:{body}",
    "{id}.{timestamp}.{body}",
    "{id}{timestamp}{body}",
    "{id}.{body}",
};

static const struct {
    enum signature_layout layout;
    const char *prefix, *key_name, *timestamp_key;
} layouts[] = {
    { SIGNATURE_PLAIN, NULL, NULL, NULL },
    { SIGNATURE_PREFIX, "sha256=", NULL, NULL },
    { SIGNATURE_PREFIX, "sha1=", NULL, NULL },
    { SIGNATURE_PREFIX, "sha512=", NULL, NULL },
    { SIGNATURE_PREFIX, "v0=", NULL, NULL },
    { SIGNATURE_PREFIX, "v1=", NULL, NULL },
    { SIGNATURE_LIST, "v1", NULL, NULL },
    { SIGNATURE_COMPOSITE, NULL, "sha256", "t" },
    { SIGNATURE_COMPOSITE, NULL, "v1", "t" },
    { SIGNATURE_COMPOSITE, NULL, "s", "t" },
};

static void describe(const struct signature_scheme *s,
                     char out[DIALECT_TEXT_SIZE])
{
    static const char *const layout_names[] = {
        [SIGNATURE_PLAIN] = "plain",
        [SIGNATURE_PREFIX] = "prefix",
        [SIGNATURE_COMPOSITE] = "composite",
        [SIGNATURE_LIST] = "list",
    };
    static const char *const algorithm_names[] = {
        [SIGNATURE_SHA256] = "sha256",
        [SIGNATURE_SHA512] = "sha512",
        [SIGNATURE_SHA1] = "sha1",
    };
    const char *word = s->prefix ? s->prefix : s->key_name;

    snprintf(out, DIALECT_TEXT_SIZE,
             "layout %s%s%s%s, algorithm %s, encoding %s, template %s",
             layout_names[s->layout], word ? " \"" : "", word ? word : "",
             word ? "\"" : "", algorithm_names[s->algorithm],
             s->encoding == SIGNATURE_HEX ? "hex" : "base64",
             strchr(s->template, '\n') ? "{timestamp} newline {body}"
                                       : s->template);
}

static const struct profile *find_alike(const struct profiles *profiles,
                                        const struct signature_scheme *s)
{
    for (size_t i = 0; i < profiles->count; i++) {
        const struct profile *p = &profiles->items[i];
        const struct signature_scheme *o = &p->webhook.scheme;

        if (p->webhook.auth == WEBHOOK_HMAC && o->layout == s->layout &&
            o->algorithm == s->algorithm && o->encoding == s->encoding &&
            strcmp(o->template, s->template) == 0)
            return p;
    }
    return NULL;
}

static bool search_templates(struct signature_scheme *s,
                             const struct secrets *secrets,
                             const struct signature_input *in)
{
    for (size_t i = 0; i < ARRAY_LEN(templates); i++) {
        s->template = templates[i];
        if (dialect_fits(s, secrets, in, NULL))
            return true;
    }
    return false;
}

static bool search_encodings(struct signature_scheme *s,
                             const struct secrets *secrets,
                             const struct signature_input *in)
{
    for (int a = SIGNATURE_SHA256; a <= SIGNATURE_SHA1; a++) {
        for (int e = SIGNATURE_HEX; e <= SIGNATURE_BASE64; e++) {
            s->algorithm = (enum signature_algorithm)a;
            s->encoding = (enum signature_encoding)e;
            if (search_templates(s, secrets, in))
                return true;
        }
    }
    return false;
}

bool dialect_search(const struct signature_scheme *scheme,
                    const struct secrets *secrets,
                    const struct signature_input *in,
                    const struct profiles *profiles,
                    char found[DIALECT_TEXT_SIZE], const struct profile **named)
{
    struct signature_scheme s = *scheme;
    bool fits = search_encodings(&s, secrets, in); /* in its own layout */

    for (size_t i = 0; i < ARRAY_LEN(layouts) && !fits; i++) {
        s.layout = layouts[i].layout;
        s.prefix = layouts[i].prefix;
        s.key_name = layouts[i].key_name;
        s.timestamp_key = layouts[i].timestamp_key;
        fits = search_encodings(&s, secrets, in);
    }
    if (!fits)
        return false;
    describe(&s, found);
    *named = find_alike(profiles, &s);
    return true;
}
