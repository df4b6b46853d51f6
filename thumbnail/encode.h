/* encode.h - the small picture as WebP. */
#ifndef ENCODE_H
#define ENCODE_H

#include "common/base.h"
#include "thumbnail/shrink.h"

struct encoded {
    uint8_t *ptr; /* encoded_release() */
    size_t len;
};

MUST_USE int encode_webp(struct encoded *out, const struct shrink *small);
void encoded_release(struct encoded *e);

#endif
