/* decode.h - a picture that came from outside, made small.
 *
 * libpng, libjpeg-turbo and libwebp are included behind this header alone.
 * They read bytes that anybody may have made: only a process that may die
 * without loss calls this (sandbox.h).  What needs the whole picture in memory
 * (interlaced PNG, WebP) may have DECODE_PIXELS_MAX pixels; the others are read
 * row by row.
 */
#ifndef DECODE_H
#define DECODE_H

#include "common/base.h"
#include "common/image.h"
#include "thumbnail/shrink.h"

enum { DECODE_PIXELS_MAX = 64 * 1024 * 1024, DECODE_ERROR_SIZE = 200 };

/* The caller releases `out` when this returns 0.  -1 with a reason: the bytes
 * are no such picture, it is too large, or of a kind that is not made small
 * (PDF). */
MUST_USE int decode_small(struct shrink *out, const uint8_t *ptr, size_t len,
                          char error[DECODE_ERROR_SIZE]);

/* The parts of it, for each type. */
MUST_USE int decode_png(struct shrink *out, const struct image *image,
                        const uint8_t *ptr, size_t len,
                        char error[DECODE_ERROR_SIZE]);
MUST_USE int decode_jpeg(struct shrink *out, const uint8_t *ptr, size_t len,
                         char error[DECODE_ERROR_SIZE]);
MUST_USE int decode_webp(struct shrink *out, const struct image *image,
                         const uint8_t *ptr, size_t len,
                         char error[DECODE_ERROR_SIZE]);

#endif
