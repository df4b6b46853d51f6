/* watch_token.h - what a browser may follow one capture or one batch with, or
 * look at pictures.
 *
 * Handed out with the receipt of a submission, or to whoever has a key, so that
 * no key stands in a URL or reaches another's page.  It names what it is for
 * and until when, and an HMAC under the fleet's token secrets says that we
 * wrote it:
 *
 *     c.0190a5d8-0000-7000-8000-000000000000.1700000000.<43 characters>
 *
 * Every api process with the same secrets takes it; nothing is stored, so it
 * cannot be taken back, only expire.  Pure.
 */
#ifndef API_WATCH_TOKEN_H
#define API_WATCH_TOKEN_H

#include "common/base.h"
#include "common/digest.h"
#include "common/token.h"

enum watch_kind {
    WATCH_CAPTURE,
    WATCH_BATCH,
    WATCH_PICTURES, /* of all captures; the id is that of the key behind it */
};

enum {
    WATCH_ID_SIZE = 37,
    /* kind, id, seconds, HMAC, with dots between, and a NUL */
    WATCH_TOKEN_SIZE = 1 + 1 + 36 + 1 + 20 + 1 + TOKEN_SIZE,
};

struct watch_claim {
    enum watch_kind kind;
    char id[WATCH_ID_SIZE]; /* canonical, lower case */
    int64_t expires_s;      /* Unix time from which it is worth nothing */
};

void watch_token_make(const struct secret *key, const struct watch_claim *claim,
                      char out[WATCH_TOKEN_SIZE]);

/* What an authentic token that has not expired at `now_s` says.  Anything else
 * is false, whatever is wrong with it.  Constant-time against every key. */
MUST_USE bool watch_token_check(const struct secrets *keys, const char *token,
                                int64_t now_s, struct watch_claim *claim);

#endif
