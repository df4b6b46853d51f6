#include "thumbnail/decode.h"

#include <stdio.h>

int decode_small(struct shrink *out, const uint8_t *ptr, size_t len,
                 char error[DECODE_ERROR_SIZE])
{
    struct image image;

    if (image_read(&image, (const char *)ptr, len) != 0) {
        snprintf(error, DECODE_ERROR_SIZE, "not a picture");
        return -1;
    }
    if (image.width > SHRINK_WIDTH_MAX) {
        snprintf(error, DECODE_ERROR_SIZE, "wider than %d pixels",
                 SHRINK_WIDTH_MAX);
        return -1;
    }
    switch (image.type) {
    case IMAGE_PNG:
        return decode_png(out, &image, ptr, len, error);
    case IMAGE_JPEG:
        return decode_jpeg(out, ptr, len, error);
    case IMAGE_WEBP:
        return decode_webp(out, &image, ptr, len, error);
    case IMAGE_PDF:
    case IMAGE_UNKNOWN:
        break;
    }
    snprintf(error, DECODE_ERROR_SIZE, "a PDF has no pixels");
    return -1;
}
