/* folder.h - files that appear below a folder whole and durable, or not at all.
 *
 * Written aside in tmp/, synced, renamed, the folders synced.  All of it blocks
 * for the disk.  Functions give -1 with errno.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include "common/base.h"

struct folder {
    char *path; /* no trailing slash */
    int fd;
};

void folder_init(struct folder *f, const char *path);
void folder_release(struct folder *f);

/* Makes the folder if it is missing, and removes what was left in tmp/ an hour
 * ago and more.  Before all that follows; does nothing when it is open. */
MUST_USE int folder_open(struct folder *f);

/* A new file in tmp/ with these bytes, of which *temporary is the path (owned
 * by the caller, who publishes or unlinks it). */
MUST_USE int folder_write(const struct folder *f, const char *ptr, size_t len,
                          bool sync, char **temporary);
/* Renames it to `key` ("a/b/c.png"), over whatever is there. */
MUST_USE int folder_publish(const struct folder *f, const char *temporary,
                            const char *key, bool sync);
/* In place of `sync` above: everything written so far. */
MUST_USE int folder_sync(const struct folder *f);

#endif
