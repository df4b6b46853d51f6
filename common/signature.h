/* signature.h - webhook signatures: making them and judging them.
 *
 * Pure: takes bytes, touches no socket and no clock.  Covers every dialect that
 * a provider profile can describe (docs/providers.md).  The bytes signed are
 * the bytes received; comparisons are constant-time (CRYPTO_memcmp).
 */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include "common/base.h"

enum signature_algorithm { SIGNATURE_SHA256, SIGNATURE_SHA512, SIGNATURE_SHA1 };
enum signature_encoding { SIGNATURE_HEX, SIGNATURE_BASE64 };

/* Where the signature stands in its header. */
enum signature_layout {
    SIGNATURE_PLAIN,     /* the digest alone */
    SIGNATURE_PREFIX,    /* "sha256=" + digest */
    SIGNATURE_COMPOSITE, /* "t=1700000000,sha256=…": k=v pairs */
    SIGNATURE_LIST,      /* "v1,… v1,…": versioned, blank separated */
};

enum timestamp_unit {
    TIMESTAMP_NONE,
    TIMESTAMP_SECONDS,
    TIMESTAMP_MILLISECONDS,
    TIMESTAMP_ISO8601,
};

/* As a profile describes it; all texts borrowed from the profile. */
struct signature_scheme {
    enum signature_layout layout;
    enum signature_algorithm algorithm;
    enum signature_encoding encoding;
    const char *prefix;        /* PREFIX: "sha256=" ; LIST: version, "v1" */
    const char *key_name;      /* COMPOSITE: name of the digest, "sha256" */
    const char *timestamp_key; /* COMPOSITE: name of the time, "t"; or NULL */
    const char *template;      /* of {id} {timestamp} {body} and literals */
    enum timestamp_unit unit;
};

struct secret {
    const char *ptr; /* raw key bytes */
    size_t len;
};

/* The keys of a comma list, newest first; `whsec_` + base64 is decoded, where
 * `decode_whsec`.  Blank entries are skipped. */
struct secrets {
    struct secret *items;
    size_t count;
};
MUST_USE int secrets_parse(struct secrets *out, const char *list,
                           bool decode_whsec, char *error, size_t error_size);
void secrets_release(struct secrets *s); /* wipes them */

enum signature_verdict {
    SIGNATURE_FINE,
    SIGNATURE_MISSING,       /* no signature header */
    SIGNATURE_MALFORMED,     /* header not of the layout */
    SIGNATURE_WRONG,         /* no key matches */
    SIGNATURE_NO_TIMESTAMP,  /* the scheme needs one */
    SIGNATURE_BAD_TIMESTAMP, /* not of the unit */
    SIGNATURE_TOO_OLD,
    SIGNATURE_TOO_NEW,
};

struct signature_input {
    const char *signature; /* header value; NULL when absent */
    const char *timestamp; /* header or body value; NULL when absent */
    const char *id;        /* delivery id; NULL when absent */
    const char *body;
    size_t body_len;
};

/* Signature first, then the clock: a timestamp that nobody signed is only
 * looked at once the signature is right.  Times in Unix milliseconds.  `key`
 * (may be NULL) gets the index of the matching secret. */
MUST_USE enum signature_verdict
signature_verify(const struct signature_scheme *scheme,
                 const struct secrets *secrets,
                 const struct signature_input *input, int64_t now_ms,
                 int64_t max_age_ms, int64_t max_future_ms, size_t *key);

const char *
signature_verdict_name(enum signature_verdict v); /* "wrong-signature" */

/* The header value that signature_verify() accepts; NUL-terminated; the caller
 * frees it.  `timestamp` is the text as it goes into the template. */
char *signature_make(const struct signature_scheme *scheme,
                     const struct secret *key, const char *id,
                     const char *timestamp, const char *body, size_t body_len);

/* -1 when it is not of the unit. */
MUST_USE int timestamp_parse(const char *text, enum timestamp_unit unit,
                             int64_t *unix_ms);

/* plumbing, for token.c, the stores and tests */
enum { DIGEST_MAX = 64, SHA256_SIZE = 32, SHA256_HEX_SIZE = 65 };
/* out gets the digest of key over all parts; returns its length. */
size_t hmac_digest(enum signature_algorithm algorithm, const struct secret *key,
                   const struct secret *parts, size_t count,
                   uint8_t out[DIGEST_MAX]);
void sha256_hex(const char *ptr, size_t len, char out[SHA256_HEX_SIZE]);
void hex_encode(const uint8_t *ptr, size_t len, char *out /* 2 * len + 1 */);
/* NULL on bad input; the caller frees. Padding required, no blanks. */
char *base64_encode(const uint8_t *ptr, size_t len, bool url_safe);
uint8_t *base64_decode(const char *text, size_t len, size_t *out_len);
/* Random lower-case hex, 2 * bytes characters and a NUL. */
void random_hex(size_t bytes, char *out);
bool equal_constant_time(const char *a, size_t a_len, const char *b,
                         size_t b_len);

#endif
