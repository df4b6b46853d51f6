/* Any bytes, through the real decoders: either no picture, with a reason, or
 * one of the size that it should have.  Large ones are left out, as they cost
 * time and show nothing that small ones don't. */
#include <assert.h>

#include "tests/fuzz/fuzz.h"
#include "thumbnail/decode.h"

enum { PIXELS_MAX = 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[DECODE_ERROR_SIZE] = "";
    struct shrink small;
    struct image image;

    if (image_read(&image, (const char *)data, size) == 0 &&
        (uint64_t)image.width * image.height > PIXELS_MAX)
        return 0;
    if (decode_small(&small, data, size, error) != 0) {
        assert(error[0] != '\0');
        return 0;
    }
    assert(small.width > 0 && small.width <= THUMBNAIL_SIDE);
    assert(small.height > 0 && small.height <= THUMBNAIL_SIDE);
    assert(small.rows == small.height);
    shrink_release(&small);
    return 0;
}
