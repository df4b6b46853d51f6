/* embedded.h - files that were compiled into the program (cmake/embed.cmake).
 */
#ifndef EMBEDDED_H
#define EMBEDDED_H

#include <stddef.h>

struct embedded {
    const char *name; /* file name without folder; NULL ends a table */
    const char *data; /* NUL-terminated */
    size_t len;
    const char *gzip; /* the same, compressed; NULL where nobody asks for it */
    size_t gzip_len;
};

extern const struct embedded migrations[]; /* sql/, in order */
extern const struct embedded page_files[]; /* api/page/ */

#endif
