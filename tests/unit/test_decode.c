/* Pictures that the libraries themselves have written, read back small: each
 * type, each way that a PNG may hold pixels, cut off at every byte. */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <webp/encode.h>

#include "tests/unit/unit.h"
#include "thumbnail/decode.h"
#include "thumbnail/encode.h"

enum { WIDTH = 1280, HEIGHT = 20 };

struct bytes {
    uint8_t *ptr;
    size_t len;
};

/* Left half red, right half blue. */
static void row_of_rgb(uint8_t *row)
{
    for (int x = 0; x < WIDTH; x++)
        memcpy(row + x * 3, x < WIDTH / 2 ? "\xff\0\0" : "\0\0\xff", 3);
}

static struct bytes copy_of(const void *ptr, size_t len)
{
    /* of exactly its size, so that ASan watches the end */
    struct bytes b = { malloc(len > 0 ? len : 1), len };

    assert_non_null(b.ptr);
    memcpy(b.ptr, ptr, len);
    return b;
}

static struct bytes png_of(int colour, int depth, int interlace)
{
    static const png_color palette[] = { { 255, 0, 0 }, { 0, 0, 255 } };
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    static uint8_t row[WIDTH * 8];
    uint8_t *rows[HEIGHT];
    struct bytes b;

    assert_non_null(f);
    png_init_io(png, f);
    png_set_IHDR(png, info, WIDTH, HEIGHT, depth, colour, interlace,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (colour == PNG_COLOR_TYPE_PALETTE)
        png_set_PLTE(png, info, palette, 2);
    memset(row, 0, sizeof row);
    if (colour == PNG_COLOR_TYPE_RGB && depth == 8)
        row_of_rgb(row);
    else if (colour == PNG_COLOR_TYPE_RGB) /* 16 bits */
        for (int x = 0; x < WIDTH; x++)
            memset(row + x * 6 + (x < WIDTH / 2 ? 0 : 4), 0xff, 2);
    else /* palette or gray of one bit: 0 on the left, 1 on the right */
        memset(row + WIDTH / 16, 0xff, WIDTH / 16);
    for (int y = 0; y < HEIGHT; y++)
        rows[y] = row;
    png_set_rows(png, info, rows);
    png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(f);
    b = copy_of(text, len);
    free(text);
    return b;
}

static struct bytes jpeg_of(bool progressive)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    static uint8_t row[WIDTH * 3];
    uint8_t *rows[] = { row };
    unsigned char *out = NULL;
    unsigned long len = 0;
    struct bytes b;

    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &out, &len);
    jpeg.image_width = WIDTH;
    jpeg.image_height = HEIGHT;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    if (progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    row_of_rgb(row);
    for (int y = 0; y < HEIGHT; y++)
        jpeg_write_scanlines(&jpeg, rows, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    b = copy_of(out, len);
    free(out);
    return b;
}

static struct bytes webp_of(bool lossless)
{
    static uint8_t rgb[HEIGHT][WIDTH * 3];
    uint8_t *out = NULL;
    struct bytes b;
    size_t len;

    for (int y = 0; y < HEIGHT; y++)
        row_of_rgb(rgb[y]);
    len = lossless
              ? WebPEncodeLosslessRGB(rgb[0], WIDTH, HEIGHT, WIDTH * 3, &out)
              : WebPEncodeRGB(rgb[0], WIDTH, HEIGHT, WIDTH * 3, 90, &out);
    b = copy_of(out, len);
    WebPFree(out);
    return b;
}

static void expect_pixel(const struct shrink *s, uint32_t x, int red, int blue)
{
    const uint8_t *p = s->rgba + ((size_t)s->width * 5 + x) * 4;

    assert_in_range(p[0], red > 10 ? red - 10 : 0, red + 10);
    assert_in_range(p[2], blue > 10 ? blue - 10 : 0, blue + 10);
    assert_int_equal(p[3], 255);
}

/* Takes `b`. */
static void expect(struct bytes b, int left_red, int left_blue, int right_red,
                   int right_blue)
{
    char error[DECODE_ERROR_SIZE] = "";
    struct encoded small;
    struct image image;
    struct shrink s;

    assert_int_equal(decode_small(&s, b.ptr, b.len, error), 0);
    assert_int_equal(s.width, THUMBNAIL_SIDE);
    assert_int_equal(s.height, HEIGHT / 2);
    expect_pixel(&s, 100, left_red, left_blue);
    expect_pixel(&s, 540, right_red, right_blue);
    assert_int_equal(encode_webp(&small, &s), 0);
    assert_int_equal(image_read(&image, (char *)small.ptr, small.len), 0);
    assert_int_equal(image.type, IMAGE_WEBP);
    assert_int_equal(image.width, THUMBNAIL_SIDE);
    assert_int_equal(image.height, HEIGHT / 2);
    encoded_release(&small);
    shrink_release(&s);
    free(b.ptr);
}

static void test_types(void **state)
{
    (void)state;
    expect(png_of(PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE), 255, 0, 0, 255);
    expect(png_of(PNG_COLOR_TYPE_RGB, 16, PNG_INTERLACE_NONE), 255, 0, 0, 255);
    expect(png_of(PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_ADAM7), 255, 0, 0, 255);
    expect(png_of(PNG_COLOR_TYPE_PALETTE, 1, PNG_INTERLACE_NONE), 255, 0, 0,
           255);
    expect(png_of(PNG_COLOR_TYPE_GRAY, 1, PNG_INTERLACE_NONE), 0, 0, 255, 255);
    expect(jpeg_of(false), 255, 0, 0, 255);
    expect(jpeg_of(true), 255, 0, 0, 255);
    expect(webp_of(false), 255, 0, 0, 255);
    expect(webp_of(true), 255, 0, 0, 255);
}

/* Takes `b`.  `forgiving`: may show what it has. */
static void cut_off(struct bytes b, bool forgiving)
{
    for (size_t len = 0; len < b.len; len += 1 + len / 40) {
        struct bytes part = copy_of(b.ptr, len);
        char error[DECODE_ERROR_SIZE] = "";
        struct shrink s;
        int result = decode_small(&s, part.ptr, part.len, error);

        if (result == 0)
            shrink_release(&s);
        else
            assert_true(error[0] != '\0');
        assert_true(result != 0 || forgiving || len > b.len * 3 / 4);
        free(part.ptr);
    }
    free(b.ptr);
}

static void test_what_is_cut_off(void **state)
{
    (void)state;
    cut_off(png_of(PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE), false);
    cut_off(png_of(PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_ADAM7), false);
    cut_off(jpeg_of(false), true);
    cut_off(jpeg_of(true), true);
    cut_off(webp_of(false), false);
    cut_off(webp_of(true), false);
}

/* Only the head of it: the size is judged before anything is allocated. */
static void expect_refused(const uint8_t *ptr, size_t len, const char *reason)
{
    char error[DECODE_ERROR_SIZE] = "";
    struct shrink s;

    assert_int_equal(decode_small(&s, ptr, len, error), -1);
    if (!strstr(error, reason))
        fail_msg("\"%s\" does not say \"%s\"", error, reason);
}

static void test_what_is_too_large(void **state)
{
    struct bytes png = png_of(PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE);
    struct bytes webp = webp_of(true);

    (void)state;
    memcpy(png.ptr + 16, "\0\0\x40\0", 4); /* the widest that is taken */
    expect_refused(png.ptr, png.len, "CRC");
    memcpy(png.ptr + 16, "\0\0\x40\x01", 4);
    expect_refused(png.ptr, png.len, "wider than 16384");
    /* VP8L: 14 bits of width - 1, 14 bits of height - 1; 16384 x 4096, 4097 */
    memcpy(webp.ptr + 21, "\xff\xff\xff\x03", 4);
    expect_refused(webp.ptr, webp.len, "libwebp");
    memcpy(webp.ptr + 21, "\xff\x3f\x00\x04", 4);
    expect_refused(webp.ptr, webp.len, "too large");
    expect_refused((const uint8_t *)"%PDF-1.7\n", 9, "PDF");
    expect_refused((const uint8_t *)"GIF89a", 6, "not a picture");
    free(png.ptr);
    free(webp.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_what_is_cut_off),
        cmocka_unit_test(test_what_is_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
