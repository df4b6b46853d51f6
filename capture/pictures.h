/* pictures.h - the finished pictures, one file each in a folder of our own.
 *
 * DIR/pictures/<job id>.<ext>, written under another name and then renamed, so
 * that a file that is there is whole.  DIR belongs to one process at a time,
 * which holds a lock on DIR/lock.
 */
#ifndef PICTURES_H
#define PICTURES_H

#include "common/base.h"
#include "common/image.h"

struct pictures;

/* Makes the folders.  On -1 `error` says what is wrong. */
MUST_USE int pictures_open(struct pictures **out, const char *dir, char *error,
                           size_t error_size);
void pictures_close(struct pictures *p); /* accepts NULL */

/* -1 with errno. */
MUST_USE int pictures_store(struct pictures *p, const char *id,
                            enum image_type type, const char *ptr, size_t len);
/* A descriptor of the caller's, or -1 with errno. */
MUST_USE int pictures_read(const struct pictures *p, const char *id,
                           enum image_type type, size_t *len);
void pictures_remove(struct pictures *p, const char *id, enum image_type type);

/* Calls `fn` for every picture, the oldest first; removes everything that is no
 * picture. */
typedef void picture_fn(const char *id, const struct image *image, size_t len,
                        int64_t written_ms, void *arg);
void pictures_list(struct pictures *p, picture_fn *fn, void *arg);

#endif
