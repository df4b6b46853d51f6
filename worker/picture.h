/* picture.h - bytes that claim to be a picture: checked, measured, put in
 * store.
 */
#ifndef PICTURE_H
#define PICTURE_H

#include "worker/entry.h"

/* Sets the entry's result to completed, or to dead with the reason.  `type` is
 * the Content-Type that came with the bytes, "" when there was none: another
 * picture type than the one claimed is refused. */
void picture_take(struct entry *e, struct store *store, const char *type,
                  const char *ptr, size_t len);

/* How long until a dead letter is fed back. */
enum { PICTURE_RETRY_MS = 10 * 1000 };

#endif
