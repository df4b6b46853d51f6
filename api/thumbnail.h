/* thumbnail.h - GET /v1/captures/{id}/thumbnail: the picture made small.
 *
 * Made when somebody first asks (thumbnailer.h) and kept in the storage, beside
 * the pictures.  Where there can be none (a PDF, pictures in S3, bytes that no
 * decoder takes, too many asking at once) the answer is a redirect to the
 * picture itself, so that an <img> always shows something.
 */
#ifndef API_THUMBNAIL_H
#define API_THUMBNAIL_H

#include "api/exchange.h"

void thumbnail_get(struct exchange *x);

#endif
