/* storage.h - reading pictures from where the workers put them.
 *
 * Keys come from the database and are still not trusted: nothing outside the
 * root can be opened through them.
 */
#ifndef API_STORAGE_H
#define API_STORAGE_H

#include "common/base.h"

/* The folder of "file:///folder", borrowed from `url`.  NULL with one line in
 * `error` for anything else. */
const char *storage_root(const char *url, char *error, size_t error_size);

/* Opens the regular file `key` below `root` for reading, following no symbolic
 * link below it; *size gets its length.  -1 with errno: EINVAL for a key that
 * is not a plain relative path, ENOENT, ELOOP … */
MUST_USE int storage_open(const char *root, const char *key, size_t *size);

#endif
