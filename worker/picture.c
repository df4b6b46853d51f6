#include "worker/picture.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"

static int refuse(struct entry *e, const char *error)
{
    entry_finish(e, "dead", "PICTURE", error);
    e->result.delay_ms = PICTURE_RETRY_MS;
    return -1;
}

static bool differs(int64_t claimed, int64_t real)
{
    return claimed > 0 && real > 0 && claimed != real;
}

/* What the picture itself says is what is recorded: webhooks count in CSS
 * pixels, or before a last compression. */
static void compare(const struct entry *e)
{
    const struct event *claim = &e->event;
    const struct result *r = &e->result;

    if (differs(claim->width, r->image.width) ||
        differs(claim->height, r->image.height) ||
        differs(claim->size_bytes, (int64_t)r->size_bytes))
        log_info(
            LOG_WITH({ "job", e->job.id }, { "provider", e->fields.provider }),
            "the picture is %" PRIu32 "x%" PRIu32
            ", %zu bytes, and the webhook said %" PRId64 "x%" PRId64
            ", %" PRId64 " bytes",
            r->image.width, r->image.height, r->size_bytes, claim->width,
            claim->height, claim->size_bytes);
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
    compare(e);
    return 0;
}
