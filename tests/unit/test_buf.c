#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "tests/unit/unit.h"

static void holds_what_was_appended(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    assert_null(b.data);
    assert_int_equal(buf_append(&b, "a\0b", 3), 0);
    assert_int_equal(buf_append_str(&b, "cd"), 0);
    assert_int_equal(buf_printf(&b, "-%d", 7), 0);
    assert_int_equal(b.len, 7);
    assert_memory_equal(b.data, "a\0bcd-7", 8);
    buf_release(&b);
    assert_null(b.data);
    assert_int_equal(b.max, 100);
}

static void refuses_past_its_maximum(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4);
    assert_int_equal(buf_append(&b, "abc", 3), 0);
    assert_int_equal(buf_append(&b, "de", 2), -1);
    assert_int_equal(buf_printf(&b, "%s", "de"), -1);
    assert_string_equal(b.data, "abc");
    assert_int_equal(buf_append(&b, "d", 1), 0);
    assert_string_equal(b.data, "abcd");
    assert_int_equal(buf_append(&b, "e", 1), -1);
    assert_int_equal(buf_append(&b, "", 0), 0);
    assert_int_equal(buf_append(&b, "x", SIZE_MAX), -1);
    buf_release(&b);
}

static void grows_beyond_its_first_size(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100000);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(buf_append_str(&b, "0123456789"), 0);
    assert_int_equal(b.len, 100000);
    assert_int_equal(strlen(b.data), 100000);
    assert_int_equal(buf_append_str(&b, "x"), -1);
    buf_release(&b);
}

static void consumes_from_the_front(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    assert_int_equal(buf_append_str(&b, "abcdef"), 0);
    buf_consume(&b, 0);
    buf_consume(&b, 2);
    assert_string_equal(b.data, "cdef");
    buf_consume(&b, 4);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    buf_release(&b);
}

static void clears_and_detaches(void **state)
{
    struct buf b;
    size_t len = 99;
    char *text = NULL;

    (void)state;
    buf_init(&b, 10);
    text = buf_detach(&b, &len);
    assert_string_equal(text, "");
    assert_int_equal(len, 0);
    free(text);

    assert_int_equal(buf_append_str(&b, "abc"), 0);
    buf_clear(&b);
    assert_string_equal(b.data, "");
    assert_int_equal(buf_append_str(&b, "xy"), 0);
    text = buf_detach(&b, &len);
    assert_string_equal(text, "xy");
    assert_int_equal(len, 2);
    assert_null(b.data);
    free(text);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_was_appended),
        cmocka_unit_test(refuses_past_its_maximum),
        cmocka_unit_test(grows_beyond_its_first_size),
        cmocka_unit_test(consumes_from_the_front),
        cmocka_unit_test(clears_and_detaches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
