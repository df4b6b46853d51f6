/* picture.h - GET /v1/captures/{id}/image: the picture of a completed capture.
 *
 * A picture never changes once its capture is completed, so it may be cached
 * for good; its ETag is its SHA-256.
 */
#ifndef API_PICTURE_H
#define API_PICTURE_H

#include "api/exchange.h"

void picture_get(struct exchange *x);

#endif
