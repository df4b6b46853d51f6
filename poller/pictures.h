/* pictures.h - the stored pictures as housekeeping sees them: removed, looked
 * for, walked through.  In a folder (pictures_folder.c) that is done at once;
 * in S3 (pictures_s3.c) by requests, some at a time.
 *
 * Only keys that a worker makes (screenshots/ab/cd/<job>-<hash>.png) are
 * touched.
 */
#ifndef PICTURES_H
#define PICTURES_H

#include "common/http_client.h"
#include "common/s3.h"

struct pictures;

enum {
    /* a number, or a key of S3, which has at most 1024 bytes */
    PICTURES_PLACE_SIZE = 1040,
    UUID_LENGTH = 36,
};

struct picture {
    char *key; /* NULL: there is none */
    char *job;
    int64_t bytes;
    bool hit; /* what the call was for has happened, or is so */
};

/* What a call is about, and what came of it. */
struct picture_batch {
    struct picture *items;
    size_t count, room;
    char place[PICTURES_PLACE_SIZE]; /* of a walk; "": its beginning, its end */
    char error[512];                 /* "": it went well */
};

/* Zeros are an empty batch.  Copies the texts; `key` may be NULL. */
void picture_batch_add(struct picture_batch *b, const char *key,
                       const char *job, int64_t bytes);
/* Adds what a worker may have stored under such a key, below screenshots/. */
void picture_batch_add_stored(struct picture_batch *b, const char *key,
                              int64_t bytes);
/* Empty again, and no memory is held. */
void picture_batch_clear(struct picture_batch *b);

/* Settings that are wrong are an error of each call.  `http` and `s3` are
 * borrowed. */
struct pictures *pictures_new(struct http_client *http, const char *url,
                              const struct s3_settings *s3);
/* After the http client.  Accepts NULL. */
void pictures_free(struct pictures *p);

/* Runs once, at once or later, unless the http client ends before. */
typedef void pictures_fn(void *arg);

/* Removes those that are at least so old, if they are still there; in S3
 * without another look at their age.  Hit: it is not there any more. */
void pictures_remove(struct pictures *p, struct picture_batch *b,
                     int64_t min_age_s, pictures_fn *fn, void *arg);
/* Hit: it is missing. */
void pictures_look(struct pictures *p, struct picture_batch *b, pictures_fn *fn,
                   void *arg);
/* Some that are at least so old, from b->place on. */
void pictures_walk(struct pictures *p, struct picture_batch *b,
                   int64_t min_age_s, pictures_fn *fn, void *arg);

/* The folder where they are; NULL: in S3. */
const char *pictures_root(const struct pictures *p);

#endif
