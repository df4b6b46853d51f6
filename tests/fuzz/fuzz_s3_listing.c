/* Any bytes as a bucket's listing: what was accepted holds together. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "poller/s3_listing.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy =
        malloc(size ? size : 1); /* its end is where the sanitizer sees it */
    struct s3_listing l;

    memcpy(copy, data, size);
    if (s3_listing_parse(&l, copy, size) == 0) {
        for (size_t i = 0; i < l.count; i++) {
            assert(strlen(l.objects[i].key) <= size);
            assert(l.objects[i].bytes >= 0);
        }
    }
    s3_listing_release(&l);
    free(copy);
    return 0;
}
