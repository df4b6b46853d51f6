/* image.h - what picture is this?  Magic bytes and dimensions.
 *
 * Reads headers only, never decodes pixels.  Pure and fuzzed.  Sources: PNG
 * (W3C, 11.2.2), JPEG (ITU T.81, B.2.2), WebP container (RFC 9649), PDF
 * (ISO 32000-1, 7.5.2).
 */
#ifndef IMAGE_H
#define IMAGE_H

#include "common/base.h"

enum image_type { IMAGE_UNKNOWN, IMAGE_PNG, IMAGE_JPEG, IMAGE_WEBP, IMAGE_PDF };

struct image {
    enum image_type type;
    uint32_t width, height; /* pixels; 0 for PDF */
};

/* -1 when it is none of them, cut off, or has a side of 0. */
MUST_USE int image_read(struct image *out, const char *ptr, size_t len);

const char *image_mime(enum image_type t);      /* "image/png" */
const char *image_extension(enum image_type t); /* "png" */
/* From "image/png; charset=…" or "png"; IMAGE_UNKNOWN for anything else. */
enum image_type image_type_parse(const char *text);

#endif
