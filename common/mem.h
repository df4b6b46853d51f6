/* mem.h - allocation that never fails.
 *
 * Out of memory aborts.  Whatever the outside can size must be held against a
 * limit from limits.h before it gets here.
 */
#ifndef MEM_H
#define MEM_H

#include "common/base.h"

/* All are freed with free(). */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_resize(void *old, size_t size);
/* Checks count * size for overflow. */
void *mem_resize_array(void *old, size_t count, size_t size);
char *mem_strdup(const char *s);
/* NULL stays NULL. */
char *mem_strdup_or_null(const char *s);
/* Copies len bytes and adds a NUL. */
char *mem_dup(const char *ptr, size_t len);
PRINTF_LIKE(1, 2) char *mem_format(const char *fmt, ...);

#endif
