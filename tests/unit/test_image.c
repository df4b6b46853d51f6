/* Real pictures of 5 x 3 pixels, and what is wrong with others. */
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/image.h"
#include "tests/unit/unit.h"

static const char png[] =
    "89504e470d0a1a0a0000000d4948445200000005000000030802000000d45452"
    "af000000104944415478da63382167838c1808f001a04310ff378f2d7e000000"
    "0049454e44ae426082";

static const char jpeg[] =
    "ffd8ffe000104a46494600010100000100010000ffdb00430008060607060508"
    "0707070909080a0c140d0c0b0b0c1912130f141d1a1f1e1d1a1c1c20242e2720"
    "222c231c1c2837292c30313434341f27393d38323c2e333432ffc0000b080003"
    "000501011100ffc40014000100000000000000000000000000000006ffc40014"
    "100100000000000000000000000000000000ffda0008010100003f0026ffd9";

static const char progressive[] =
    "ffd8ffe000104a46494600010100000100010000ffdb00430008060607060508"
    "0707070909080a0c140d0c0b0b0c1912130f141d1a1f1e1d1a1c1c20242e2720"
    "222c231c1c2837292c30313434341f27393d38323c2e333432ffc2000b080003"
    "000501011100ffc40014000100000000000000000000000000000005ffda0008"
    "01010000000127ffc40014100100000000000000000000000000000000ffda00"
    "080101000105027fffc40014100100000000000000000000000000000000ffda"
    "0008010100063f027fffc40014100100000000000000000000000000000000ff"
    "da0008010100013f217fffda00080101000000107fffc4001410010000000000"
    "0000000000000000000000ffda0008010100013f107fffd9";

static const char webp_lossy[] =
    "524946462e0000005745425056503820220000007001009d012a050003000cc0"
    "ce25a0027401400000fed78e0c3d4adfae8a20000000";

static const char webp_lossless[] =
    "524946461e000000574542505650384c110000002f0480000007508f2297a7ff"
    "8188e87f0000";

static const char webp_extended[] =
    "524946465200000057454250565038580a00000010000000040000020000414c"
    "50480a000000010750c088084444ff0356503820220000007001009d012a0500"
    "03000cc0ce25a0027401400000fed78e0c3d4adfae8a20000000";

static const char pdf[] = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";

struct bytes {
    char *ptr;
    size_t len;
};

/* In memory of exactly its size, so that ASan watches the end. */
static struct bytes from_hex(const char *hex)
{
    struct bytes b = { malloc(strlen(hex) / 2), strlen(hex) / 2 };

    assert_non_null(b.ptr);
    assert_true(hex_decode(hex, strlen(hex), (uint8_t *)b.ptr, b.len));
    return b;
}

/* Reads a copy of the first `len` bytes. */
static int read_start(const struct bytes *b, size_t len, struct image *out)
{
    char *copy = malloc(len ? len : 1);
    int result = 0;

    assert_non_null(copy);
    memcpy(copy, b->ptr, len);
    result = image_read(out, copy, len);
    free(copy);
    return result;
}

static const struct {
    const char *name, *hex;
    enum image_type type;
    size_t head_bytes; /* fewer than these are refused */
} pictures[] = {
    { "png", png, IMAGE_PNG, 33 },
    { "jpeg", jpeg, IMAGE_JPEG, 0 },
    { "progressive jpeg", progressive, IMAGE_JPEG, 0 },
    { "lossy webp", webp_lossy, IMAGE_WEBP, sizeof webp_lossy / 2 },
    { "lossless webp", webp_lossless, IMAGE_WEBP, sizeof webp_lossless / 2 },
    { "extended webp", webp_extended, IMAGE_WEBP, sizeof webp_extended / 2 },
};

static void pictures_are_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pictures); i++) {
        struct bytes b = from_hex(pictures[i].hex);
        struct image image;

        print_message("  %s\n", pictures[i].name);
        assert_int_equal(image_read(&image, b.ptr, b.len), 0);
        assert_int_equal(image.type, pictures[i].type);
        assert_int_equal(image.width, 5);
        assert_int_equal(image.height, 3);
        free(b.ptr);
    }
}

static void cut_off_pictures_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pictures); i++) {
        struct bytes b = from_hex(pictures[i].hex);
        struct image image;
        size_t enough = 0;

        /* once there is enough it stays enough */
        while (read_start(&b, enough, &image) != 0) {
            assert_int_equal(image.type, IMAGE_UNKNOWN);
            assert_true(enough++ < b.len);
        }
        for (size_t len = enough; len <= b.len; len++)
            assert_int_equal(read_start(&b, len, &image), 0);
        if (pictures[i].head_bytes > 0)
            assert_int_equal(enough, pictures[i].head_bytes);
        free(b.ptr);
    }
}

static void a_side_of_zero_is_refused(void **state)
{
    struct bytes b = from_hex(png);
    struct image image;

    (void)state;
    b.ptr[19] = 0;
    assert_int_equal(image_read(&image, b.ptr, b.len), -1);
    b.ptr[19] = 5;
    b.ptr[23] = 0;
    assert_int_equal(image_read(&image, b.ptr, b.len), -1);
    b.ptr[23] = 3;
    b.ptr[16] = (char)0x80; /* PNG: below 2^31 */
    assert_int_equal(image_read(&image, b.ptr, b.len), -1);
    b.ptr[16] = 0x7f;
    assert_int_equal(image_read(&image, b.ptr, b.len), 0);
    assert_int_equal(image.width, 0x7f000005);
    free(b.ptr);

    b = from_hex(webp_lossy);
    b.ptr[26] = 0;
    assert_int_equal(image_read(&image, b.ptr, b.len), -1);
    free(b.ptr);
}

/* SOI, then segments given as hex. */
static int read_jpeg_of(const char *segments, struct image *image)
{
    struct bytes b = from_hex(segments);
    int result = image_read(image, b.ptr, b.len);

    free(b.ptr);
    return result;
}

static void jpeg_segments_are_walked(void **state)
{
    struct image image;

    (void)state;
    /* fill bytes, TEM, RST and a comment before SOF0 of 256 x 513 */
    assert_int_equal(read_jpeg_of("ffd8ffffff01ffd0fffe000441ffffff"
                                  "c00008080201010001",
                                  &image),
                     0);
    assert_int_equal(image.width, 256);
    assert_int_equal(image.height, 513);
    /* each SOF, and the three that only look like one */
    for (int marker = 0xC0; marker <= 0xCF; marker++) {
        char text[] = "ffd8ffcX000808000300050001";
        bool is_frame = marker != 0xC4 && marker != 0xC8 && marker != 0xCC;

        text[7] = "0123456789abcdef"[marker & 15];
        assert_int_equal(read_jpeg_of(text, &image), is_frame ? 0 : -1);
    }
    assert_int_equal(read_jpeg_of("ffd8ffda0002ffc0000808000300050001", &image),
                     -1); /* a scan first */
    assert_int_equal(read_jpeg_of("ffd8ffd9ffc0000808000300050001", &image),
                     -1); /* the end first */
    assert_int_equal(read_jpeg_of("ffd8ffd8ffc0000808000300050001", &image),
                     -1); /* two starts */
    assert_int_equal(read_jpeg_of("ffd8ff000002ffc0000808000300050001", &image),
                     -1); /* a stuffed byte is no marker */
    assert_int_equal(
        read_jpeg_of("ffd8fffe000100ffc0000808000300050001", &image),
        -1); /* a length that does not cover itself */
    assert_int_equal(
        read_jpeg_of("ffd8fffe0002aaffc0000808000300050001", &image),
        -1); /* something between segments */
    assert_int_equal(read_jpeg_of("ffd8ffc000070800030005", &image), -1);
    assert_int_equal(read_jpeg_of("ffd8ffc0000808000000050001", &image), -1);
    assert_int_equal(read_jpeg_of("ffd8ffffffff", &image), -1);
}

static void webp_is_told_from_other_riffs(void **state)
{
    struct bytes b = from_hex(webp_lossy);
    struct image image;

    (void)state;
    memcpy(b.ptr + 8, "WAVE", 4);
    assert_int_equal(image_read(&image, b.ptr, b.len), -1);
    memcpy(b.ptr + 8, "WEBP", 4);
    memcpy(b.ptr + 12, "ANIM", 4);
    assert_int_equal(image_read(&image, b.ptr, b.len), -1);
    memcpy(b.ptr + 12, "VP8 ", 4);
    b.ptr[20] = (char)(b.ptr[20] | 1); /* not a key frame */
    assert_int_equal(image_read(&image, b.ptr, b.len), -1);
    b.ptr[20] = (char)(b.ptr[20] & ~1);
    b.ptr[24] = 0; /* start code */
    assert_int_equal(image_read(&image, b.ptr, b.len), -1);
    free(b.ptr);

    b = from_hex(webp_lossless);
    b.ptr[20] = 0x2e;
    assert_int_equal(image_read(&image, b.ptr, b.len), -1);
    b.ptr[20] = 0x2f;
    b.ptr[24] = (char)(b.ptr[24] | 0x20); /* version 1 */
    assert_int_equal(image_read(&image, b.ptr, b.len), -1);
    free(b.ptr);
}

/* The size in the RIFF header may lie; what is not there is not read. */
static void short_webps_are_refused_whatever_they_claim(void **state)
{
    static const char *const hexes[] = { webp_lossy, webp_lossless,
                                         webp_extended };
    static const size_t needed[] = { 30, 25, 30 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hexes); i++) {
        struct bytes b = from_hex(hexes[i]);
        struct image image;

        memset(b.ptr + 4, 0, 4);
        for (size_t len = 12; len < needed[i]; len++)
            assert_int_equal(read_start(&b, len, &image), -1);
        assert_int_equal(read_start(&b, needed[i], &image), 0);
        free(b.ptr);
    }
}

static void pdf_has_a_version_and_no_sides(void **state)
{
    static const char *const bad[] = { "%PDF-1.",  "%PDF-1",   "%PDF-1.x",
                                       "%PDF-3.0", "%PDF-0.9", " %PDF-1.4",
                                       "%pdf-1.4", "%PDF" };
    struct image image;

    (void)state;
    assert_int_equal(image_read(&image, pdf, sizeof pdf - 1), 0);
    assert_int_equal(image.type, IMAGE_PDF);
    assert_int_equal(image.width, 0);
    assert_int_equal(image.height, 0);
    assert_int_equal(image_read(&image, "%PDF-2.0", 8), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(image_read(&image, bad[i], strlen(bad[i])), -1);
}

static void other_bytes_are_no_picture(void **state)
{
    static const char *const others[] = {
        "",
        "GIF89a",
        "<svg/>",
        "<!doctype html><title>502 Bad Gateway",
        "{\"error\":1}",
        "\x89PNG\r\n\x1a\n",
        "\xff\xd8\xff",
        "RIFF",
        "BM00000000000000000000000000000000",
    };
    struct image image;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(image_read(&image, others[i], strlen(others[i])), -1);
}

static void types_have_names(void **state)
{
    static const struct {
        const char *text;
        enum image_type type;
    } cases[] = {
        { "image/png", IMAGE_PNG },
        { "IMAGE/PNG", IMAGE_PNG },
        { "image/png; charset=binary", IMAGE_PNG },
        { "image/png;x", IMAGE_PNG },
        { "png", IMAGE_PNG },
        { "image/jpeg", IMAGE_JPEG },
        { "image/jpg", IMAGE_JPEG },
        { "jpeg", IMAGE_JPEG },
        { "jpg", IMAGE_JPEG },
        { "webp", IMAGE_WEBP },
        { "image/webp", IMAGE_WEBP },
        { "pdf", IMAGE_PDF },
        { "application/pdf", IMAGE_PDF },
        { "", IMAGE_UNKNOWN },
        { ";", IMAGE_UNKNOWN },
        { "image", IMAGE_UNKNOWN },
        { "image/", IMAGE_UNKNOWN },
        { "image/pngx", IMAGE_UNKNOWN },
        { "image/gif", IMAGE_UNKNOWN },
        { "text/html", IMAGE_UNKNOWN },
        { "application/octet-stream", IMAGE_UNKNOWN },
        { "bin", IMAGE_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(image_type_parse(cases[i].text), cases[i].type);
    for (enum image_type t = IMAGE_PNG; t <= IMAGE_PDF; t++) {
        assert_int_equal(image_type_parse(image_mime(t)), t);
        assert_int_equal(image_type_parse(image_extension(t)), t);
    }
    assert_string_equal(image_mime(IMAGE_JPEG), "image/jpeg");
    assert_string_equal(image_extension(IMAGE_JPEG), "jpg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_recognised),
        cmocka_unit_test(cut_off_pictures_are_refused),
        cmocka_unit_test(a_side_of_zero_is_refused),
        cmocka_unit_test(jpeg_segments_are_walked),
        cmocka_unit_test(webp_is_told_from_other_riffs),
        cmocka_unit_test(short_webps_are_refused_whatever_they_claim),
        cmocka_unit_test(pdf_has_a_version_and_no_sides),
        cmocka_unit_test(other_bytes_are_no_picture),
        cmocka_unit_test(types_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
