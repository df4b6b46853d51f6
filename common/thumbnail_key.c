#include "common/thumbnail_key.h"

#include <stdio.h>
#include <string.h>

bool thumbnail_key(const char *picture_key, char out[THUMBNAIL_KEY_SIZE])
{
    static const char folder[] = "screenshots/";
    const char *name = picture_key + sizeof folder - 1;
    const char *dot;
    int len;

    if (strncmp(picture_key, folder, sizeof folder - 1) != 0)
        return false;
    dot = strrchr(name, '.');
    if (!dot || strchr(dot, '/'))
        return false;
    len = snprintf(out, THUMBNAIL_KEY_SIZE, "thumbnails/%.*s.webp",
                   (int)(dot - name), name);
    return len > 0 && len < THUMBNAIL_KEY_SIZE;
}
