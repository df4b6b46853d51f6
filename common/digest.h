/* digest.h - HMAC, SHA-256, random bytes and secrets, on OpenSSL 3.
 *
 * The only place that includes OpenSSL.  Pure but for random_hex().  A library
 * that can't do SHA-256 or give random bytes aborts the program: nothing here
 * can be done without.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include "common/base.h"

enum signature_algorithm { SIGNATURE_SHA256, SIGNATURE_SHA512, SIGNATURE_SHA1 };

struct hmac; /* an HMAC begun with one key */

struct secret {
    const char *ptr; /* raw key bytes */
    size_t len;
    struct hmac *prepared; /* by secrets_prepare(), or NULL */
};

/* The keys of a comma list, newest first; `whsec_` + base64 is decoded, where
 * `decode_whsec`.  Blank entries are skipped, blanks around entries too. */
struct secrets {
    struct secret *items;
    size_t count;
};
/* On -1 `out` is empty and `error` says which entry, but never repeats it. */
MUST_USE int secrets_parse(struct secrets *out, const char *list,
                           bool decode_whsec, char *error, size_t error_size);
/* For keys that serve many HMACs: setting one up costs more than the HMAC of a
 * short text.  Once per list; from then on a key is for one thread. */
void secrets_prepare(struct secrets *s, enum signature_algorithm algorithm);
/* The same keys in the same order?  Not for what the outside sends. */
bool secrets_equal(const struct secrets *a, const struct secrets *b);
void secrets_release(struct secrets *s); /* wipes them */

/* A piece of what is signed. */
struct piece {
    const char *ptr;
    size_t len;
};

enum {
    DIGEST_MAX = 64,
    SHA1_SIZE = 20,
    SHA256_SIZE = 32,
    SHA256_HEX_SIZE = 65
};
size_t digest_size(enum signature_algorithm algorithm);
/* out gets the HMAC (RFC 2104) over all pieces; returns its length. */
size_t hmac_digest(enum signature_algorithm algorithm, const struct secret *key,
                   const struct piece *pieces, size_t count,
                   uint8_t out[DIGEST_MAX]);
/* For many: one that is made once and for one thread. */
struct sha256;
struct sha256 *sha256_new(void);
void sha256_free(struct sha256 *s); /* accepts NULL */
void sha256_run(struct sha256 *s, const char *ptr, size_t len,
                char out[SHA256_HEX_SIZE]);
void sha256_hex(const char *ptr, size_t len, char out[SHA256_HEX_SIZE]);

/* For handshakes that ask for it, not for secrets. */
void sha1(const char *ptr, size_t len, uint8_t out[SHA1_SIZE]);

/* Random lower-case hex, 2 * bytes characters and a NUL. */
void random_hex(size_t bytes, char *out);
/* Takes the same time wherever the first difference is; lengths are no secret.
 */
bool equal_constant_time(const char *a, size_t a_len, const char *b,
                         size_t b_len);

#endif
