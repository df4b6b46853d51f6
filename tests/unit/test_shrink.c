/* Sizes at their limits, and that a mean is a mean. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "thumbnail/shrink.h"

static void fill(uint8_t *row, uint32_t width, uint32_t rgba)
{
    for (uint32_t x = 0; x < width; x++)
        for (int i = 0; i < 4; i++)
            row[x * 4 + (uint32_t)i] = (uint8_t)(rgba >> (24 - 8 * i));
}

static uint32_t pixel(const struct shrink *s, uint32_t x, uint32_t y)
{
    const uint8_t *p = s->rgba + ((size_t)y * s->width + x) * 4;

    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

/* One colour goes in, whatever the size, and the same must come out. */
static void expect_size(uint32_t width, uint32_t height, uint32_t small_width,
                        uint32_t small_height, uint32_t rows)
{
    static const uint32_t colour = 0x7f3301ff;
    uint8_t *row = malloc((size_t)width * 4);
    struct shrink s;

    assert_non_null(row);
    fill(row, width, colour);
    shrink_init(&s, width, height);
    assert_int_equal(s.width, small_width);
    assert_int_equal(s.height, small_height);
    assert_int_equal(shrink_rows_wanted(&s, height), rows);
    for (uint32_t y = 0; y < rows; y++)
        shrink_row(&s, row);
    shrink_finish(&s);
    for (uint32_t y = 0; y < s.height; y++)
        for (uint32_t x = 0; x < s.width; x++)
            assert_int_equal(pixel(&s, x, y), colour);
    shrink_release(&s);
    free(row);
}

static void test_sizes(void **state)
{
    (void)state;
    expect_size(1, 1, 1, 1, 1);
    expect_size(375, 812, 375, 640, 640);
    expect_size(639, 10, 639, 10, 10);
    expect_size(640, 639, 640, 639, 639);
    expect_size(640, 640, 640, 640, 640);
    expect_size(640, 641, 640, 640, 640);
    expect_size(641, 10, 640, 10, 10);
    expect_size(1280, 720, 640, 360, 720);
    expect_size(1366, 768, 640, 360, 768);
    expect_size(1920, 1919, 640, 640, 1919);
    expect_size(1920, 1920, 640, 640, 1920);
    expect_size(1920, 1921, 640, 640, 1920);
    expect_size(1920, 30000, 640, 640, 1920);
    expect_size(SHRINK_WIDTH_MAX, 1, 640, 1, 1);
    expect_size(641, 4000000, 640, 640, 641);
}

static void test_a_mean_of_four(void **state)
{
    static uint8_t rows[2][1280 * 4];
    struct shrink s;

    (void)state;
    fill(rows[0], 1280, 0x000000ff);
    fill(rows[1], 1280, 0x000000ff);
    rows[0][0] = rows[1][4] = 200; /* red: two of the first four pixels */
    rows[1][1279 * 4 + 2] = 40;    /* blue: one of the last four */
    shrink_init(&s, 1280, 2);
    shrink_row(&s, rows[0]);
    shrink_row(&s, rows[1]);
    shrink_finish(&s);
    assert_int_equal(pixel(&s, 0, 0), 0x640000ff);
    assert_int_equal(pixel(&s, 1, 0), 0x000000ff);
    assert_int_equal(pixel(&s, 639, 0), 0x00000aff);
    shrink_release(&s);
}

/* A pixel across an edge counts on both sides, by its parts: 641 to 640. */
static void test_an_edge_within_a_pixel(void **state)
{
    static uint8_t row[641 * 4];
    struct shrink s;

    (void)state;
    fill(row, 641, 0x000000ff);
    row[320 * 4 + 1] = 255; /* green, half in one and half in the other */
    shrink_init(&s, 641, 1);
    shrink_row(&s, row);
    shrink_finish(&s);
    assert_int_equal(pixel(&s, 318, 0), 0x000000ff);
    assert_int_equal(pixel(&s, 319, 0), 0x007f00ff);
    assert_int_equal(pixel(&s, 320, 0), 0x007f00ff);
    assert_int_equal(pixel(&s, 321, 0), 0x000000ff);
    shrink_release(&s);
}

/* What cannot be seen has no colour. */
static void test_opacity(void **state)
{
    static uint8_t row[1280 * 4];
    struct shrink s;

    (void)state;
    fill(row, 1280, 0xff00ff00);
    memcpy(row, "\x10\x20\x30\xff", 4);
    memcpy(row + 8, "\x80\x40\x20\x80\x80\x40\x20\x80", 8);
    shrink_init(&s, 1280, 1);
    shrink_row(&s, row);
    shrink_finish(&s);
    assert_int_equal(pixel(&s, 0, 0), 0x10203080);
    assert_int_equal(pixel(&s, 1, 0), 0x80402080);
    assert_int_equal(pixel(&s, 2, 0), 0x00000000);
    shrink_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_a_mean_of_four),
        cmocka_unit_test(test_an_edge_within_a_pixel),
        cmocka_unit_test(test_opacity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
