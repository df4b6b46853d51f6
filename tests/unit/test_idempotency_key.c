#include "api/idempotency_key.h"

#include <string.h>

#include "unit.h"

static void expect(const char *header, const char *key)
{
    char out[IDEMPOTENCY_KEY_SIZE] = "";

    if (key) {
        assert_int_equal(idempotency_key_parse(header, out), 0);
        assert_string_equal(out, key);
    } else {
        assert_int_equal(idempotency_key_parse(header, out), -1);
    }
}

static void test_quoted_and_bare(void **state)
{
    (void)state;
    expect("\"8e03978e-40d5\"", "8e03978e-40d5");
    expect("8e03978e-40d5", "8e03978e-40d5");
    expect("\"a b\"", "a b");
    expect("\"a\\\"b\\\\c\"", "a\"b\\c");
    expect("!~", "!~");
}

static void test_what_is_no_key(void **state)
{
    static const char *const wrong[] = {
        "",      "\"\"",    "\"",      "\"a",      "a\"",       "\"a\"b",
        "a b",   "\"a\\\"", "\"a\\n\"", "\"\x7f\"", "\xc3\xbc", "a\tb",
        "\"a\\", "\"\\",    "a,b c",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        expect(wrong[i], NULL);
}

static void test_length(void **state)
{
    char text[IDEMPOTENCY_KEY_MAX + 4], out[IDEMPOTENCY_KEY_SIZE];

    (void)state;
    memset(text, 'x', sizeof text);
    text[IDEMPOTENCY_KEY_MAX] = '\0';
    assert_int_equal(idempotency_key_parse(text, out), 0);
    assert_string_equal(out, text);
    text[IDEMPOTENCY_KEY_MAX] = 'x';
    text[IDEMPOTENCY_KEY_MAX + 1] = '\0';
    assert_int_equal(idempotency_key_parse(text, out), -1);
    text[0] = text[IDEMPOTENCY_KEY_MAX + 1] = '"';
    text[IDEMPOTENCY_KEY_MAX + 2] = '\0';
    assert_int_equal(idempotency_key_parse(text, out), 0);
    assert_int_equal(strlen(out), IDEMPOTENCY_KEY_MAX);
    text[IDEMPOTENCY_KEY_MAX + 1] = 'x';
    text[IDEMPOTENCY_KEY_MAX + 2] = '"';
    text[IDEMPOTENCY_KEY_MAX + 3] = '\0';
    assert_int_equal(idempotency_key_parse(text, out), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quoted_and_bare),
        cmocka_unit_test(test_what_is_no_key),
        cmocka_unit_test(test_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
