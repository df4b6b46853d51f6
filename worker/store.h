/* store.h - where pictures are kept, written so that nothing is ever half
 * there.
 *
 * A picture is written to a temporary file; those of a batch are made durable
 * and renamed together, before the transaction that mentions them.  The key
 * holds the picture's hash, so that no picture ever replaces another one.
 */
#ifndef STORE_H
#define STORE_H

#include "common/image.h"
#include "common/signature.h"

struct store;

enum { STORE_KEY_SIZE = 128 };

/* A picture that is not visible yet. */
struct stored {
    int fd;
    char *temporary;          /* path; NULL once renamed */
    char key[STORE_KEY_SIZE]; /* screenshots/ab/cd/<job>-<hash>.png */
};

/* `url`: file:///absolute/folder (made if missing).  NULL with `error`. */
struct store *store_new(const char *url, char *error, size_t error_size);
void store_free(struct store *s); /* accepts NULL */

/* Writes the bytes to a temporary file.  NULL with `error` (disk full …). */
struct stored *store_put(struct store *s, const char *job_id,
                         enum image_type type, const char *sha256,
                         const char *ptr, size_t len, char *error,
                         size_t error_size);
/* Makes all of them durable and visible.  Blocks for the disk.  On -1 none
 * counts as stored; `error` says why. */
MUST_USE int store_commit(struct store *s, struct stored **items, size_t count,
                          char *error, size_t error_size);
/* Removes the temporary file if it is still there; accepts NULL. */
void stored_free(struct stored *item);

#endif
