/* thumbnail_key.h - where the small picture of a stored one lies: api keeps it
 * there, poller removes it together with the picture. */
#ifndef THUMBNAIL_KEY_H
#define THUMBNAIL_KEY_H

#include "common/base.h"

enum { THUMBNAIL_KEY_SIZE = 256 };

/* "thumbnails/ab/cd/x.webp" for "screenshots/ab/cd/x.png"; false for a key of
 * any other form. */
MUST_USE bool thumbnail_key(const char *picture_key,
                            char out[THUMBNAIL_KEY_SIZE]);

#endif
