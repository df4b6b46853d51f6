/* store.h - where pictures are kept: durable first, then visible, never half
 * there.
 *
 * Everything is asynchronous; a picture is stored once its function was called.
 * Trouble with the storage (no room, read-only, away, key refused) is never the
 * picture's fault: the picture waits here and is tried again, and meanwhile the
 * store is not well, so that nobody takes more work than is in hand already.
 * A picture's key holds its hash: none ever replaces another one.
 */
#ifndef STORE_H
#define STORE_H

#include "common/http_client.h"
#include "common/image.h"
#include "common/loop.h"
#include "common/s3.h"
#include "common/signature.h"

struct store;

enum { STORE_KEY_SIZE = 128 };

/* OUTCOME_DONE, or OUTCOME_REJECT with `error`: this picture cannot be stored.
 */
typedef void store_fn(enum outcome outcome, const char *error, void *arg);

struct store_options {
    struct loop *loop;
    struct http_client *http;
    const char *url; /* file:///absolute/folder (made if missing), or
                        s3://bucket/prefix */
    const struct s3_settings *s3;
    loop_fn *on_change; /* called whenever store_is_well() has changed */
    void *arg;
};

/* NULL with `error` when the settings are wrong. */
struct store *store_new(const struct store_options *options, char *error,
                        size_t error_size);
/* After the http client.  Forgets what is not stored yet.  Accepts NULL. */
void store_free(struct store *s);

/* screenshots/ab/cd/<job>-<hash>.png */
void store_key(char key[STORE_KEY_SIZE], const char *job_id,
               enum image_type type, const char *sha256);
/* Copies the bytes.  `fn` runs once, later, however long that takes. */
void store_put(struct store *s, const char *key, enum image_type type,
               const char *sha256, const char *ptr, size_t len, store_fn *fn,
               void *arg);

/* False at first, until something could be stored, and whenever it takes no
 * pictures; those that wait are tried again. */
bool store_is_well(const struct store *s);
/* False: so many bytes wait in memory that no more should be fetched.  There is
 * room again when `fn` of some picture runs, if not before. */
bool store_has_room(const struct store *s);

#endif
