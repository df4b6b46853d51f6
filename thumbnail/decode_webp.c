#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>

#include "common/mem.h"
#include "thumbnail/decode.h"

int decode_webp(struct shrink *out, const struct image *image,
                const uint8_t *ptr, size_t len, char error[DECODE_ERROR_SIZE])
{
    WebPDecoderConfig config;
    uint32_t wanted;
    VP8StatusCode status;

    if ((uint64_t)image->width * image->height > DECODE_PIXELS_MAX) {
        snprintf(error, DECODE_ERROR_SIZE, "too large");
        return -1;
    }
    if (!WebPInitDecoderConfig(&config) ||
        WebPGetFeatures(ptr, len, &config.input) != VP8_STATUS_OK ||
        config.input.has_animation ||
        (uint32_t)config.input.width != image->width ||
        (uint32_t)config.input.height != image->height) {
        snprintf(error, DECODE_ERROR_SIZE,
                 "not a still picture in one WebP frame");
        return -1;
    }
    shrink_init(out, image->width, image->height);
    wanted = shrink_rows_wanted(out, image->height);
    /* what is below the cut is not decoded */
    config.options.use_cropping = 1;
    config.options.crop_width = config.input.width;
    config.options.crop_height = (int)wanted;
    config.output.colorspace = MODE_RGBA;
    status = WebPDecode(ptr, len, &config);
    if (status != VP8_STATUS_OK) {
        snprintf(error, DECODE_ERROR_SIZE, "libwebp's error %d", (int)status);
        WebPFreeDecBuffer(&config.output);
        shrink_release(out);
        return -1;
    }
    for (uint32_t y = 0; y < wanted; y++)
        shrink_row(out, config.output.u.RGBA.rgba +
                            (size_t)y * (size_t)config.output.u.RGBA.stride);
    shrink_finish(out);
    WebPFreeDecBuffer(&config.output);
    return 0;
}
