/* Any bytes: a type has sides, no type has none, and more bytes behind a
 * picture don't change what it is. */
#include <assert.h>

#include "common/image.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image image;
    struct image of_start;
    int result = image_read(&image, (const char *)data, size);

    assert((result == 0) == (image.type != IMAGE_UNKNOWN));
    if (image.type == IMAGE_UNKNOWN || image.type == IMAGE_PDF)
        assert(image.width == 0 && image.height == 0);
    else
        assert(image.width > 0 && image.height > 0);
    if (size > 0 && image_read(&of_start, (const char *)data, size - 1) == 0)
        assert(result == 0 && of_start.type == image.type &&
               of_start.width == image.width &&
               of_start.height == image.height);
    return 0;
}
