/* picture.h - bytes that claim to be a picture: checked and measured. */
#ifndef PICTURE_H
#define PICTURE_H

#include "worker/entry.h"

/* 0: what is known of the picture stands in the entry's result.  -1: the entry
 * is finished as dead, with the reason.  `type` is the Content-Type that came
 * with the bytes, "" when there was none: another picture type than the one
 * claimed is refused. */
MUST_USE int picture_check(struct entry *e, const char *type, const char *ptr,
                           size_t len);

/* How long until a dead letter is fed back. */
enum { PICTURE_RETRY_MS = 10 * 1000 };

#endif
