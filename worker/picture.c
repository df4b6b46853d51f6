#include "worker/picture.h"

#include <stdio.h>

static int refuse(struct entry *e, const char *error)
{
    entry_finish(e, "dead", "PICTURE", error);
    e->result.delay_ms = PICTURE_RETRY_MS;
    return -1;
}

int picture_check(struct entry *e, const char *type, const char *ptr,
                  size_t len)
{
    struct result *r = &e->result;
    enum image_type claimed = image_type_parse(type);
    char error[512];

    if (image_read(&r->image, ptr, len) != 0) {
        snprintf(error, sizeof error,
                 "could not read the picture: %zu bytes of \"%.100s\" are no "
                 "PNG, JPEG, WebP or PDF",
                 len, type);
        return refuse(e, error);
    }
    if (claimed != IMAGE_UNKNOWN && claimed != r->image.type) {
        snprintf(error, sizeof error,
                 "could not trust the picture: it claims to be %s and is %s",
                 image_mime(claimed), image_mime(r->image.type));
        return refuse(e, error);
    }
    sha256_hex(ptr, len, r->sha256);
    r->size_bytes = len;
    return 0;
}
