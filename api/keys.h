/* keys.h - the API keys of the table api_keys, known by their hashes.
 *
 * All that count are kept in memory and loaded again when PostgreSQL says that
 * they have changed, after each reconnect, and every half minute: a revoked key
 * is refused at once, and within half a minute if the word of it was lost.
 * While PostgreSQL is away the last known keys count until they expire; there
 * is little they can do.
 *
 * A key's limit is counted here, in windows of a minute, so it holds for each
 * api process on its own.
 */
#ifndef API_KEYS_H
#define API_KEYS_H

#include "common/db.h"
#include "common/digest.h"
#include "common/loop.h"

enum { KEY_NAME_SIZE = 401 /* 100 characters */, KEY_ID_SIZE = 37 };
enum { KEY_WINDOW_S = 60 };

/* Each may do what the ones before it may. */
enum scope { SCOPE_READ, SCOPE_SUBMIT, SCOPE_ADMIN };

struct key {
    char sha256[SHA256_HEX_SIZE];
    char id[KEY_ID_SIZE];
    char name[KEY_NAME_SIZE];
    enum scope scope;
    int64_t expires_ms;   /* wall clock; INT64_MAX: never */
    unsigned limit;       /* requests per window; 0: any number */
    int64_t window_until; /* clock_monotonic_ms() */
    unsigned used;        /* in this window */
    bool unreported;      /* used since last_used_at was written */
};

/* What is left of a key's limit. */
struct quota {
    unsigned limit; /* 0: there is none */
    unsigned left;
    unsigned reset_s;
};

struct keys;

/* `db` is borrowed, listens for us from now on, and is freed first. */
struct keys *keys_new(struct loop *loop, struct db *db);
void keys_free(struct keys *k); /* accepts NULL */

/* Calls `fn`, from the loop, when there are other keys than before, or one of
 * them has expired. */
void keys_on_change(struct keys *k, loop_fn *fn, void *arg);

bool keys_are_loaded(const struct keys *k);
size_t keys_count(const struct keys *k);
/* The key that counts now, or NULL; valid until the loop goes on. */
struct key *keys_find(struct keys *k, const char *presented);
/* Does the key with this id count now? */
bool keys_hold(const struct keys *k, const char *id);
/* Counts a request; false when the limit is used up, which counts nothing. */
MUST_USE bool key_spend(struct key *key, struct quota *out);

const char *scope_name(enum scope s);

#endif
