/* thumbnailer.h - runs shotfleet-thumbnail, a process for each picture, a few
 * at a time.
 *
 * Decoding is done there and nowhere else: such a process may compute and write
 * what it was given, and its death costs one thumbnail.
 */
#ifndef API_THUMBNAILER_H
#define API_THUMBNAILER_H

#include "common/base.h"
#include "common/loop.h"

struct thumbnailer;

enum thumbnail_outcome {
    THUMBNAIL_MADE,
    THUMBNAIL_IMPOSSIBLE, /* of this picture, now and ever */
    THUMBNAIL_FAILED,     /* this time; the log says why */
};

/* `fd` is an open file with the WebP from its start, the callee's to close; -1
 * unless made. */
typedef void thumbnail_fn(enum thumbnail_outcome outcome, int fd, void *arg);

/* NULL, which is fine everywhere below, with a warning in the log when the
 * program is not beside this one. */
struct thumbnailer *thumbnailer_new(struct loop *loop);
/* Kills what runs; all that wait are told THUMBNAIL_FAILED.  Accepts NULL. */
void thumbnailer_free(struct thumbnailer *t);

/* Takes the descriptor of a picture's file.  `done` runs once, perhaps
 * before this returns.  -1, and it does not run, when too many wait already. */
MUST_USE int thumbnailer_make(struct thumbnailer *t, int picture_fd,
                              thumbnail_fn *done, void *arg);

#endif
