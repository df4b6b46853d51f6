/* picture.h - GET /v1/captures/{id}/image: the picture of a completed capture.
 *
 * A picture never changes once its capture is completed, so it may be cached
 * for good; its ETag is its SHA-256.
 */
#ifndef API_PICTURE_H
#define API_PICTURE_H

#include "api/exchange.h"
#include "common/image.h"

void picture_get(struct exchange *x);

/* What thumbnails need of it. */

/* Of a row; borrowed from the result. */
struct picture {
    const char *key;
    const char *sha256; /* NULL: of an adopted row, perhaps */
    enum image_type type;
};

/* Asks for the row of x->name; answers when that cannot be. */
void picture_ask(struct exchange *x, db_fn *fn);
/* What came of it.  False with an answer given: there is no picture. */
MUST_USE bool picture_found(struct exchange *x, const struct db_result *result,
                            struct picture *out);
/* Opens the file; -1 with a line in the log. */
MUST_USE int picture_open(const struct exchange *x, const char *key,
                          size_t *size);
/* If-None-Match (RFC 9110, 13.1.2): a list of tags, weak or not, or "*". */
bool picture_tag_listed(const char *list, const char *tag);
extern const char picture_cache_for_good[];

#endif
