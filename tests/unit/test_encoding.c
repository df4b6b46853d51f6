/* Hex, base64, secrets, comparing: what signatures are made of. */
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/encoding.h"
#include "tests/unit/unit.h"

static void hex_goes_both_ways(void **state)
{
    uint8_t bytes[3] = { 0 };
    char text[7];

    (void)state;
    assert_true(hex_decode("00fFa5", 6, bytes, 3));
    hex_encode(bytes, 3, text);
    assert_string_equal(text, "00ffa5");
    hex_encode(bytes, 0, text);
    assert_string_equal(text, "");
    assert_false(hex_decode("00ff5", 5, bytes, 3));
    assert_false(hex_decode("00ff", 4, bytes, 3));
    assert_false(hex_decode("00ffa5a5", 8, bytes, 3));
    assert_false(hex_decode("00ffg5", 6, bytes, 3));
    assert_false(hex_decode("00ff5g", 6, bytes, 3));
    assert_false(hex_decode("00ff-5", 6, bytes, 3));
}

/* RFC 4648, section 10. */
static void base64_goes_both_ways(void **state)
{
    static const char *const pairs[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
        { "\xfb\xff\xbf", "+/+/" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        const char *plain = pairs[i][0];
        size_t len = 99;
        char *text =
            base64_encode((const uint8_t *)plain, strlen(plain), false);
        uint8_t *bytes = base64_decode(pairs[i][1], strlen(pairs[i][1]), &len);

        assert_string_equal(text, pairs[i][1]);
        assert_non_null(bytes);
        assert_int_equal(len, strlen(plain));
        assert_memory_equal(bytes, plain, len);
        free(text);
        free(bytes);
    }
}

static void base64_for_urls_has_no_padding(void **state)
{
    char *text = base64_encode((const uint8_t *)"\xfb\xff\xbf\xff", 4, true);

    (void)state;
    assert_string_equal(text, "-_-__w");
    free(text);
}

static void base64_is_strict(void **state)
{
    static const char *const bad[] = {
        "Z",     "Zg",     "Zg=",  "Zg==Zg==", "=",    "====", "Z===", "Zg== ",
        " Zg==", "Zm9v\n", "Zh==", "Zm9=",     "-_-_", "Zm.v", "Zg=a", "Zm9vZ",
    };
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        print_message("  \"%s\"\n", bad[i]);
        assert_null(base64_decode(bad[i], strlen(bad[i]), &len));
    }
    assert_null(base64_decode("Zm\0v", 4, &len));
}

static void check_secret(const struct secrets *s, size_t i, const char *key)
{
    assert_int_equal(s->items[i].len, strlen(key));
    assert_memory_equal(s->items[i].ptr, key, strlen(key));
}

static void secrets_are_a_comma_list(void **state)
{
    struct secrets s;
    char error[128];

    (void)state;
    assert_int_equal(secrets_parse(&s, "", false, error, sizeof error), 0);
    assert_int_equal(s.count, 0);
    secrets_release(&s);

    assert_int_equal(secrets_parse(&s, " a b ,\t,c\n,,whsec_Zm9v", false, error,
                                   sizeof error),
                     0);
    assert_int_equal(s.count, 3);
    check_secret(&s, 0, "a b");
    check_secret(&s, 1, "c");
    check_secret(&s, 2, "whsec_Zm9v");
    secrets_release(&s);
    assert_int_equal(s.count, 0);
}

static void whsec_is_decoded_on_demand(void **state)
{
    struct secrets s;
    char error[128];

    (void)state;
    assert_int_equal(secrets_parse(&s, "whsec_Zm9v,plain,whsec_test", true,
                                   error, sizeof error),
                     0);
    assert_int_equal(s.count, 3);
    check_secret(&s, 0, "foo");
    check_secret(&s, 1, "plain");
    assert_int_equal(s.items[2].len, 3);
    secrets_release(&s);
}

static void a_bad_secret_is_named_but_not_shown(void **state)
{
    static const char *const bad[] = { "good,whsec_Zm9", "good,whsec_",
                                       "good, whsec_!!!! " };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct secrets s;
        char error[128];

        assert_int_equal(secrets_parse(&s, bad[i], true, error, sizeof error),
                         -1);
        assert_string_equal(error, "secret 2: what follows \"whsec_\" is not "
                                   "base64 of a key");
        assert_int_equal(s.count, 0);
        assert_null(s.items);
    }
}

static void comparing_looks_at_all(void **state)
{
    (void)state;
    assert_true(equal_constant_time("", 0, "", 0));
    assert_true(equal_constant_time("a\0b", 3, "a\0b", 3));
    assert_false(equal_constant_time("a\0b", 3, "a\0c", 3));
    assert_false(equal_constant_time("ab", 2, "abc", 3));
    assert_false(equal_constant_time("abc", 3, "ab", 2));
}

static void random_hex_is_hex_and_random(void **state)
{
    char a[2 * 33 + 1];
    char b[2 * 33 + 1];

    (void)state;
    random_hex(33, a);
    random_hex(33, b);
    assert_int_equal(strlen(a), 66);
    assert_int_equal(strspn(a, "0123456789abcdef"), 66);
    assert_string_not_equal(a, b);
    random_hex(0, a);
    assert_string_equal(a, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(base64_for_urls_has_no_padding),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(secrets_are_a_comma_list),
        cmocka_unit_test(whsec_is_decoded_on_demand),
        cmocka_unit_test(a_bad_secret_is_named_but_not_shown),
        cmocka_unit_test(comparing_looks_at_all),
        cmocka_unit_test(random_hex_is_hex_and_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
