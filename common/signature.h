/* signature.h - webhook signatures: making them and judging them.
 *
 * Pure: takes bytes, touches no socket and no clock.  Covers every dialect that
 * a provider profile can describe (docs/providers.md).  The bytes signed are
 * the bytes received; comparisons are constant-time (CRYPTO_memcmp).
 */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include "common/base.h"
#include "common/digest.h"
#include "common/encoding.h"
#include "common/timestamp.h"

enum signature_encoding { SIGNATURE_HEX, SIGNATURE_BASE64 };

/* Where the signature stands in its header. */
enum signature_layout {
    SIGNATURE_PLAIN,     /* the digest alone */
    SIGNATURE_PREFIX,    /* "sha256=" + digest */
    SIGNATURE_COMPOSITE, /* "t=1700000000,sha256=…": k=v pairs */
    SIGNATURE_LIST,      /* "v1,… v1,…": versioned, blank separated */
};

/* As a profile describes it; all texts borrowed from the profile. */
struct signature_scheme {
    enum signature_layout layout;
    enum signature_algorithm algorithm;
    enum signature_encoding encoding; /* hex: any case is accepted */
    const char *prefix;        /* PREFIX: "sha256=" ; LIST: version, "v1" */
    const char *key_name;      /* COMPOSITE: name of the digest, "sha256" */
    const char *timestamp_key; /* COMPOSITE: name of the time, "t"; or NULL */
    const char *template;      /* of {id} {timestamp} {body} and literals */
    enum timestamp_unit unit;
};

/* A template has at most this many placeholders and literals in all. */
enum { SIGNATURE_PIECES_MAX = 16 };
/* A header may offer several digests (keys being rotated), at most this many;
 * more make it malformed. */
enum { SIGNATURE_DIGESTS_MAX = 8 };

/* Checks a template, for profiles: known placeholders, {body} among them, not
 * too many.  `error` says what is wrong. */
MUST_USE int signature_template_check(const char *template, char *error,
                                      size_t error_size);

enum signature_verdict {
    SIGNATURE_FINE,
    SIGNATURE_MISSING,       /* no signature header, or no id to sign */
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
 * looked at once the signature is right.  Times in Unix milliseconds; an age of
 * exactly max_age_ms is still fine, likewise the future.  `key` (may be NULL)
 * gets the index of the matching secret. */
MUST_USE enum signature_verdict
signature_verify(const struct signature_scheme *scheme,
                 const struct secrets *secrets,
                 const struct signature_input *input, int64_t now_ms,
                 int64_t max_age_ms, int64_t max_future_ms, size_t *key);

/* The timestamp that is judged, as it was written: out of a composite header,
 * else that of `input`; "" when there is none. */
enum { SIGNATURE_TIMESTAMP_SIZE = 64 };
void signature_timestamp(const struct signature_scheme *scheme,
                         const struct signature_input *input,
                         char out[SIGNATURE_TIMESTAMP_SIZE]);

/* "wrong-signature"; for metrics and logs. */
const char *signature_verdict_name(enum signature_verdict v);

/* The header value that signature_verify() accepts, hex in lower case;
 * NUL-terminated; the caller frees it.  `timestamp` is the text as it goes into
 * the template; it and `id` may be NULL where the scheme uses none. */
char *signature_make(const struct signature_scheme *scheme,
                     const struct secret *key, const char *id,
                     const char *timestamp, const char *body, size_t body_len);

#endif
