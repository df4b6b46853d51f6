#include "common/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

void *mem_alloc(size_t size)
{
    return check(malloc(size ? size : 1));
}

void *mem_zalloc(size_t size)
{
    return check(calloc(1, size ? size : 1));
}

void *mem_resize(void *old, size_t size)
{
    return check(realloc(old, size ? size : 1));
}

void *mem_resize_array(void *old, size_t count, size_t size)
{
    size_t total = 0;

    if (__builtin_mul_overflow(count, size, &total))
        check(NULL);
    return mem_resize(old, total);
}

char *mem_strdup(const char *s)
{
    return check(strdup(s));
}

char *mem_strdup_or_null(const char *s)
{
    return s ? mem_strdup(s) : NULL;
}

char *mem_dup(const char *ptr, size_t len)
{
    char *copy = mem_alloc(len + 1);

    if (len > 0)
        memcpy(copy, ptr, len);
    copy[len] = '\0';
    return copy;
}

char *mem_format(const char *fmt, ...)
{
    char *out = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&out, fmt, args) < 0)
        out = NULL;
    va_end(args);
    return check(out);
}
