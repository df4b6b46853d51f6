#include "api/range.h"

#include "unit.h"

static void expect(const char *header, size_t size, enum range_verdict verdict,
                   size_t first, size_t len)
{
    size_t got_first = 0, got_len = 0;

    assert_int_equal(range_parse(header, size, &got_first, &got_len), verdict);
    assert_int_equal(got_first, first);
    assert_int_equal(got_len, len);
}

static void test_parts(void **state)
{
    (void)state;
    expect("bytes=0-0", 10, RANGE_PART, 0, 1);
    expect("bytes=0-8", 10, RANGE_PART, 0, 9);
    expect("bytes=0-9", 10, RANGE_PART, 0, 10);
    expect("bytes=0-10", 10, RANGE_PART, 0, 10);
    expect("bytes=9-9", 10, RANGE_PART, 9, 1);
    expect("bytes=3-", 10, RANGE_PART, 3, 7);
    expect("BYTES= 3-5 ", 10, RANGE_PART, 3, 3);
    expect("bytes=-1", 10, RANGE_PART, 9, 1);
    expect("bytes=-10", 10, RANGE_PART, 0, 10);
    expect("bytes=-11", 10, RANGE_PART, 0, 10);
    expect("bytes=0-99999999999999999999999999", 10, RANGE_PART, 0, 10);
    expect("bytes=-18446744073709551616", 10, RANGE_PART, 0, 10);
}

static void test_none(void **state)
{
    (void)state;
    expect("bytes=10-", 10, RANGE_NONE, 0, 0);
    expect("bytes=10-20", 10, RANGE_NONE, 0, 0);
    expect("bytes=18446744073709551616-", 10, RANGE_NONE, 0, 0);
    expect("bytes=-0", 10, RANGE_NONE, 0, 0);
    expect("bytes=0-", 0, RANGE_NONE, 0, 0);
    expect("bytes=-5", 0, RANGE_NONE, 0, 0);
}

static void test_whole(void **state)
{
    static const char *const headers[] = {
        "",          "bytes",      "bytes=",      "bytes=-",       "bytes=a-b",
        "bytes=5-4", "bytes=1",    "bytes=1-2x",  "bytes=1-2,4-5", "lines=1-2",
        "bytes=--1", "bytes=+1-2", "bytes=1 - 2",
    };

    (void)state;
    expect(NULL, 10, RANGE_WHOLE, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        expect(headers[i], 10, RANGE_WHOLE, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
