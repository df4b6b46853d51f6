#include "common/image.h"

#include <string.h>
#include <strings.h>

struct bytes {
    const uint8_t *ptr;
    size_t len;
};

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

static uint32_t le16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}

static uint32_t le24(const uint8_t *p)
{
    return (uint32_t)p[2] << 16 | le16(p);
}

static uint32_t le32(const uint8_t *p)
{
    return le16(p + 2) << 16 | le16(p);
}

static bool has(struct bytes b, size_t offset, const char *magic, size_t len)
{
    return b.len >= offset && b.len - offset >= len &&
           memcmp(b.ptr + offset, magic, len) == 0;
}

/* The signature, then IHDR, which is always the first chunk and 13 long. */
static bool read_png(struct bytes b, struct image *out)
{
    static const char start[] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";

    if (!has(b, 0, start, 16) || b.len < 8 + 12 + 13)
        return false;
    out->type = IMAGE_PNG;
    out->width = be32(b.ptr + 16);
    out->height = be32(b.ptr + 20);
    return out->width <= INT32_MAX && out->height <= INT32_MAX;
}

static bool is_frame_header(uint8_t marker)
{
    /* SOF0 to SOF15, without DHT, JPG and DAC, which stand among them */
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 &&
           marker != 0xC8 && marker != 0xCC;
}

/* Walks the marker segments up to the frame header. */
static bool read_jpeg(struct bytes b, struct image *out)
{
    size_t at = 2;

    if (!has(b, 0, "\xff\xd8\xff", 3))
        return false;
    for (;;) {
        uint8_t marker = 0;
        size_t length = 0;

        if (at >= b.len || b.ptr[at] != 0xFF)
            return false;
        while (at < b.len && b.ptr[at] == 0xFF) /* fill bytes, B.1.1.2 */
            at++;
        if (at >= b.len)
            return false;
        marker = b.ptr[at++];
        if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7))
            continue; /* TEM and RSTn stand alone */
        if (marker == 0x00 || (marker >= 0xD8 && marker <= 0xDA))
            return false; /* SOI, EOI or a scan before any frame header */
        if (b.len - at < 2)
            return false;
        length = be16(b.ptr + at);
        if (length < 2 || b.len - at < length)
            return false;
        if (is_frame_header(marker)) {
            if (length < 8)
                return false;
            out->type = IMAGE_JPEG;
            out->height = be16(b.ptr + at + 3);
            out->width = be16(b.ptr + at + 5);
            return true;
        }
        at += length;
    }
}

/* RFC 9649, section 2.5 to 2.7 (and RFC 6386, 9.1 for the lossy frame). */
static bool read_webp(struct bytes b, struct image *out)
{
    const uint8_t *data = NULL; /* of the first chunk */

    if (!has(b, 0, "RIFF", 4) || !has(b, 8, "WEBP", 4) ||
        le32(b.ptr + 4) > b.len - 8)
        return false;
    out->type = IMAGE_WEBP;
    if (has(b, 12, "VP8L", 4) && b.len >= 20 + 5) {
        data = b.ptr + 20;
        out->width = (le32(data + 1) & 0x3FFF) + 1;
        out->height = (le32(data + 1) >> 14 & 0x3FFF) + 1;
        return data[0] == 0x2F && le32(data + 1) >> 29 == 0;
    }
    if (b.len < 20 + 10)
        return false;
    data = b.ptr + 20;
    if (has(b, 12, "VP8 ", 4)) {
        out->width = le16(data + 6) & 0x3FFF;
        out->height = le16(data + 8) & 0x3FFF;
        return (data[0] & 1) == 0 && has(b, 23, "\x9d\x01\x2a", 3);
    }
    if (has(b, 12, "VP8X", 4)) {
        out->width = le24(data + 4) + 1;
        out->height = le24(data + 7) + 1;
        return true;
    }
    return false;
}

static bool read_pdf(struct bytes b, struct image *out)
{
    out->type = IMAGE_PDF;
    return (has(b, 0, "%PDF-1.", 7) || has(b, 0, "%PDF-2.", 7)) && b.len > 7 &&
           b.ptr[7] >= '0' && b.ptr[7] <= '9';
}

int image_read(struct image *out, const char *ptr, size_t len)
{
    struct bytes b = { (const uint8_t *)ptr, len };

    *out = (struct image){ 0 };
    if (read_png(b, out) || read_jpeg(b, out) || read_webp(b, out)) {
        if (out->width > 0 && out->height > 0)
            return 0;
    } else if (read_pdf(b, out)) {
        return 0;
    }
    *out = (struct image){ 0 };
    return -1;
}

static const struct {
    const char *mime, *extension;
} names[] = {
    [IMAGE_UNKNOWN] = { "application/octet-stream", "bin" },
    [IMAGE_PNG] = { "image/png", "png" },
    [IMAGE_JPEG] = { "image/jpeg", "jpg" },
    [IMAGE_WEBP] = { "image/webp", "webp" },
    [IMAGE_PDF] = { "application/pdf", "pdf" },
};

const char *image_mime(enum image_type t)
{
    return names[t].mime;
}

const char *image_extension(enum image_type t)
{
    return names[t].extension;
}

enum image_type image_type_parse(const char *text)
{
    size_t len = strcspn(text, "; \t");

    for (enum image_type t = IMAGE_PNG; t <= IMAGE_PDF; t++) {
        const char *mime = names[t].mime;
        const char *format = strchr(mime, '/') + 1; /* "jpeg" besides "jpg" */
        const char *extension = names[t].extension;

        if ((strlen(mime) == len && strncasecmp(text, mime, len) == 0) ||
            (strlen(format) == len && strncasecmp(text, format, len) == 0) ||
            (strlen(extension) == len &&
             strncasecmp(text, extension, len) == 0))
            return t;
    }
    return len == 9 && strncasecmp(text, "image/jpg", len) == 0 ? IMAGE_JPEG
                                                                : IMAGE_UNKNOWN;
}
