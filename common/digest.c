#include "common/digest.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/mem.h"

static const struct {
    const char *name; /* as OpenSSL calls it */
    size_t size_bytes;
} algorithms[] = {
    [SIGNATURE_SHA256] = { "SHA256", 32 },
    [SIGNATURE_SHA512] = { "SHA512", 64 },
    [SIGNATURE_SHA1] = { "SHA1", 20 },
};

static void need(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "could not compute %s: OpenSSL refused\n", what);
        abort();
    }
}

size_t digest_size(enum signature_algorithm algorithm)
{
    return algorithms[algorithm].size_bytes;
}

struct hmac {
    enum signature_algorithm algorithm;
    EVP_MAC_CTX *context; /* holds the key */
};

static struct hmac *hmac_new(enum signature_algorithm algorithm,
                             const struct secret *key)
{
    struct hmac *h = mem_alloc(sizeof *h);
    char name[sizeof "SHA256"]; /* OSSL_PARAM wants it writable */
    OSSL_PARAM params[2];
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    h->algorithm = algorithm;
    h->context = EVP_MAC_CTX_new(mac);
    snprintf(name, sizeof name, "%s", algorithms[algorithm].name);
    params[0] =
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
    params[1] = OSSL_PARAM_construct_end();
    need(h->context && EVP_MAC_init(h->context, (const unsigned char *)key->ptr,
                                    key->len, params) == 1,
         "an HMAC");
    EVP_MAC_free(mac); /* the context has its own reference */
    return h;
}

static void hmac_free(struct hmac *h)
{
    if (!h)
        return;
    EVP_MAC_CTX_free(h->context); /* wipes the key */
    free(h);
}

static size_t hmac_run(struct hmac *h, const struct piece *pieces, size_t count,
                       uint8_t out[DIGEST_MAX])
{
    size_t len = 0;

    /* without a key: from the start again, with the same one */
    need(EVP_MAC_init(h->context, NULL, 0, NULL) == 1, "an HMAC");
    for (size_t i = 0; i < count; i++)
        need(EVP_MAC_update(h->context, (const unsigned char *)pieces[i].ptr,
                            pieces[i].len) == 1,
             "an HMAC");
    need(EVP_MAC_final(h->context, out, &len, DIGEST_MAX) == 1, "an HMAC");
    return len;
}

size_t hmac_digest(enum signature_algorithm algorithm, const struct secret *key,
                   const struct piece *pieces, size_t count,
                   uint8_t out[DIGEST_MAX])
{
    struct hmac *own = NULL;
    size_t len = 0;

    if (key->prepared && key->prepared->algorithm == algorithm)
        return hmac_run(key->prepared, pieces, count, out);
    own = hmac_new(algorithm, key);
    len = hmac_run(own, pieces, count, out);
    hmac_free(own);
    return len;
}

struct sha256 {
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *s = mem_alloc(sizeof *s);

    s->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    s->context = EVP_MD_CTX_new();
    need(s->algorithm && s->context, "a SHA-256");
    return s;
}

void sha256_free(struct sha256 *s)
{
    if (!s)
        return;
    EVP_MD_CTX_free(s->context);
    EVP_MD_free(s->algorithm);
    free(s);
}

void sha256_run(struct sha256 *s, const char *ptr, size_t len,
                char out[SHA256_HEX_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    unsigned size = 0;

    need(EVP_DigestInit_ex2(s->context, s->algorithm, NULL) == 1 &&
             EVP_DigestUpdate(s->context, ptr, len) == 1 &&
             EVP_DigestFinal_ex(s->context, digest, &size) == 1,
         "a SHA-256");
    hex_encode(digest, size, out);
}

void sha256_hex(const char *ptr, size_t len, char out[SHA256_HEX_SIZE])
{
    struct sha256 *s = sha256_new();

    sha256_run(s, ptr, len, out);
    sha256_free(s);
}

void sha1(const char *ptr, size_t len, uint8_t out[SHA1_SIZE])
{
    need(EVP_Digest(ptr, len, out, NULL, EVP_sha1(), NULL) == 1, "SHA-1");
}

void random_hex(size_t bytes, char *out)
{
    uint8_t chunk[32];

    out[0] = '\0';
    while (bytes > 0) {
        size_t now = bytes < sizeof chunk ? bytes : sizeof chunk;

        need(RAND_bytes(chunk, (int)now) == 1, "random bytes");
        hex_encode(chunk, now, out);
        out += 2 * now;
        bytes -= now;
    }
}

bool equal_constant_time(const char *a, size_t a_len, const char *b,
                         size_t b_len)
{
    return a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0;
}

static void add_secret(struct secrets *s, char *ptr, size_t len)
{
    s->items = mem_resize_array(s->items, s->count + 1, sizeof *s->items);
    s->items[s->count++] = (struct secret){ ptr, len, NULL };
}

static int add_entry(struct secrets *s, const char *text, size_t len,
                     bool decode_whsec, char *error, size_t error_size)
{
    static const char prefix[] = "whsec_";
    const size_t skip = sizeof prefix - 1;
    uint8_t *key = NULL;
    size_t key_len = 0;

    if (!decode_whsec || len < skip || memcmp(text, prefix, skip) != 0) {
        add_secret(s, mem_dup(text, len), len);
        return 0;
    }
    key = base64_decode(text + skip, len - skip, &key_len);
    if (!key || key_len == 0) {
        snprintf(error, error_size,
                 "secret %zu: what follows \"%s\" is not base64 of a key",
                 s->count + 1, prefix);
        free(key);
        return -1;
    }
    add_secret(s, (char *)key, key_len);
    return 0;
}

int secrets_parse(struct secrets *out, const char *list, bool decode_whsec,
                  char *error, size_t error_size)
{
    static const char blanks[] = " \t\r\n";

    *out = (struct secrets){ 0 };
    while (*list) {
        size_t len = strcspn(list, ",");
        const char *next = list + len + (list[len] == ',');
        size_t skip = strspn(list, blanks);

        skip = skip < len ? skip : len;
        list += skip;
        len -= skip;
        while (len > 0 && strchr(blanks, list[len - 1]))
            len--;
        if (len > 0 &&
            add_entry(out, list, len, decode_whsec, error, error_size) != 0) {
            secrets_release(out);
            return -1;
        }
        list = next;
    }
    return 0;
}

void secrets_prepare(struct secrets *s, enum signature_algorithm algorithm)
{
    for (size_t i = 0; i < s->count; i++) {
        assert(!s->items[i].prepared);
        s->items[i].prepared = hmac_new(algorithm, &s->items[i]);
    }
}

bool secrets_equal(const struct secrets *a, const struct secrets *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++)
        same = equal_constant_time(a->items[i].ptr, a->items[i].len,
                                   b->items[i].ptr, b->items[i].len);
    return same;
}

void secrets_release(struct secrets *s)
{
    for (size_t i = 0; i < s->count; i++) {
        char *key = (char *)s->items[i].ptr; /* made by add_entry() */

        hmac_free(s->items[i].prepared);
        OPENSSL_cleanse(key, s->items[i].len);
        free(key);
    }
    free(s->items);
    *s = (struct secrets){ 0 };
}
