/* s3_listing.h - a page of a bucket's listing (ListObjectsV2), read.  Pure.
 *
 * Not an XML parser: it knows the one shape that such servers answer, and what
 * is of another shape is no listing.
 */
#ifndef S3_LISTING_H
#define S3_LISTING_H

#include "common/base.h"

struct s3_object {
    char *key; /* any bytes but NUL */
    int64_t bytes;
    int64_t modified_ms; /* Unix time */
};

struct s3_listing {
    struct s3_object *objects;
    size_t count;
    bool more; /* there are others behind the last one */
};

/* -1 when it is no listing; release in either case. */
MUST_USE int s3_listing_parse(struct s3_listing *out, const char *xml,
                              size_t len);
void s3_listing_release(struct s3_listing *l);

#endif
