#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/limits.h"
#include "tests/unit/unit.h"

static struct json_object *parse(const char *text)
{
    char error[128] = "";
    struct json_object *root = json_parse(text, strlen(text), error, 128);

    if (!root)
        print_message("  %s: %s\n", text, error);
    return root;
}

/* "" when it parses. */
static const char *reason(const char *ptr, size_t len)
{
    static char error[128];
    struct json_object *root = NULL;

    error[0] = '\0';
    root = json_parse(ptr, len, error, sizeof error);
    assert_int_equal(root == NULL, error[0] != '\0');
    json_object_put(root);
    return error;
}

static void takes_what_the_standard_allows(void **state)
{
    static const char *const good[] = {
        "{}",
        "[]",
        " \t\r\n{ \"a\" : [ 1 , -0 , 0.5 , 1e5 , 1E-5 , 2.5e+3 ] }\n",
        "\"text\"",
        "true",
        "false",
        "0",
        "-1",
        "123",
        "[null]",
        "{\"\":0}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\x7f\"",
        "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"
        "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct json_object *root = parse(good[i]);

        assert_non_null(root);
        json_object_put(root);
    }
}

static void refuses_what_it_does_not(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "null",
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1",
        "{\"a\" 1}",
        "{a:1}",
        "{'a':1}",
        "'a'",
        "{1:2}",
        "{,}",
        "{} {}",
        "{}x",
        "1 2",
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "TRUE",
        "True",
        "tru",
        "truex",
        "nul",
        "+1",
        ".5",
        "1.",
        "1.e5",
        "1e",
        "1e+",
        "-",
        "01",
        "-01",
        "0x1",
        "1_0",
        "/*x*/1",
        "1//x",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u123\"",
        "\"\x1f\"",
        "\"\\u123g\"",
        "\"\\\"",
        "\"a\tb\"",
        "\"a\nb\"",
        "\"\x01\"",
        "\x0c"
        "1",
        "\xef\xbb\xbf{}",
        "\xc2\xa0"
        "1",
        /* RFC 3629: lone, overlong, surrogate, too big, cut off */
        "\"\x80\"",
        "\"\xbf\"",
        "\"\xc0\x80\"",
        "\"\xc1\xbf\"",
        "\"\xe0\x80\x80\"",
        "\"\xe0\x9f\xbf\"",
        "\"\xed\xa0\x80\"",
        "\"\xed\xbf\xbf\"",
        "\"\xf0\x80\x80\x80\"",
        "\"\xf0\x8f\xbf\xbf\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xf5\x80\x80\x80\"",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\xe2\x82\"",
        "\"\xf0\x9f\x98\"",
        "\"\xc3",
        "\"\xe2\x82x\"",
        "{\"\xff\":1}",
        "\xff",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (reason(bad[i], strlen(bad[i]))[0] == '\0')
            fail_msg("accepted: %s", bad[i]);
    }
}

static void refuses_nul_bytes(void **state)
{
    (void)state;
    assert_string_not_equal(reason("{}\0", 3), "");
    assert_string_not_equal(reason("\0{}", 3), "");
    assert_string_not_equal(reason("{\"a\0\":1}", 8), "");
    assert_string_equal(reason("\"\\\0\"", 4),
                        "invalid escape at byte 2, line 1");
    assert_string_equal(reason("\"\\u123\"", 7),
                        "invalid escape at byte 6, line 1");
    assert_string_not_equal(reason("1\0", 2), "");
}

static void reads_no_byte_past_the_end(void **state)
{
    static const char text[] = "{\"a\":[true,null,-1.5e3,\"\xc3\xa9\\u00e9\"]}";

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        char *exact = malloc(len ? len : 1); /* ASan watches its end */

        assert_non_null(exact);
        memcpy(exact, text, len);
        assert_int_equal(reason(exact, len)[0] == '\0', len == sizeof text - 1);
        free(exact);
    }
}

static void says_what_and_where(void **state)
{
    (void)state;
    assert_string_equal(reason("{\n\"a\": 1.x}", 11),
                        "digit expected at byte 9, line 2");
    assert_string_equal(reason("[1,\n\n2", 6),
                        "',' or closing bracket expected at byte 6, line 3");
    assert_string_equal(reason("", 0), "unexpected end at byte 0, line 1");
    assert_string_equal(reason("null", 4), "null is no value here");
}

static void nesting_has_an_exact_limit(void **state)
{
    char text[200];

    (void)state;
    for (int depth = LIMIT_JSON_DEPTH - 1; depth <= LIMIT_JSON_DEPTH + 1;
         depth++) {
        for (int with_value = 0; with_value <= 1; with_value++) {
            int n = 0;

            for (int i = 0; i < depth; i++)
                n += snprintf(text + n, sizeof text - (size_t)n, "%s",
                              i % 2 ? "[" : "{\"a\":");
            if (with_value || depth % 2)
                n += snprintf(text + n, sizeof text - (size_t)n, "1");
            for (int i = depth; i-- > 0;)
                n += snprintf(text + n, sizeof text - (size_t)n, "%s",
                              i % 2 ? "]" : "}");
            assert_int_equal(reason(text, (size_t)n)[0] == '\0',
                             depth <= LIMIT_JSON_DEPTH);
        }
    }
}

static void nesting_limit_is_not_breadth(void **state)
{
    char text[2 * LIMIT_JSON_DEPTH * sizeof "[{\"a\":1}],"];
    size_t used = 0;

    (void)state;
    for (int i = 0; i < 2 * LIMIT_JSON_DEPTH; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "%s[{\"a\":1}]", i ? "," : "[");
    snprintf(text + used, sizeof text - used, "]");
    assert_string_equal(reason(text, strlen(text)), "");
}

static void paths_lead_to_values(void **state)
{
    struct json_object *root =
        parse("{\"a\":{\"b\":[{\"c\":\"x\"},2,null]},\"n\":null,\"\":1}");

    (void)state;
    assert_ptr_equal(json_at(root, ""), root);
    assert_string_equal(json_text(root, "a.b.0.c"), "x");
    assert_int_equal(json_number(root, "a.b.1", -1), 2);
    assert_null(json_at(root, "a.b.2"));
    assert_null(json_at(root, "a.b.3"));
    assert_null(json_at(root, "a.b.-1"));
    assert_null(json_at(root, "a.b.00000000001"));
    assert_null(json_at(root, "a.b.x"));
    assert_null(json_at(root, "a.b.0.c.d"));
    assert_null(json_at(root, "a..b"));
    assert_null(json_at(root, "n"));
    assert_null(json_at(root, "n.x"));
    assert_null(json_at(root, "missing"));
    assert_null(json_at(NULL, "a"));
    json_object_put(root);
}

static void values_are_of_the_right_type_or_absent(void **state)
{
    struct json_object *root = parse(
        "{\"t\":\"x\",\"e\":\"\",\"z\":\"a\\u0000b\",\"i\":7,\"f\":7.9,"
        "\"m\":-7.9,\"big\":9223372036854775807,\"max\":9223372036854775806,"
        "\"huge\":99999999999999999999,\"low\":-99999999999999999999,"
        "\"inf\":1e999,\"yes\":true,\"no\":false,\"o\":{}}");

    (void)state;
    assert_string_equal(json_text(root, "t"), "x");
    assert_string_equal(json_text(root, "e"), "");
    assert_null(json_text(root, "z"));
    assert_null(json_text(root, "i"));
    assert_null(json_text(root, "o"));
    assert_null(json_text(root, "yes"));
    assert_int_equal(json_number(root, "i", -1), 7);
    assert_int_equal(json_number(root, "f", -1), 7);
    assert_int_equal(json_number(root, "m", -1), -7);
    assert_int_equal(json_number(root, "max", -1), INT64_MAX - 1);
    assert_int_equal(json_number(root, "big", -1), -1);
    assert_int_equal(json_number(root, "huge", -1), -1);
    assert_int_equal(json_number(root, "low", -1), -1);
    assert_int_equal(json_number(root, "inf", -1), -1);
    assert_int_equal(json_number(root, "t", -1), -1);
    assert_int_equal(json_number(root, "yes", -1), -1);
    assert_int_equal(json_boolean(root, "yes"), 1);
    assert_int_equal(json_boolean(root, "no"), 0);
    assert_int_equal(json_boolean(root, "i"), -1);
    assert_int_equal(json_boolean(root, "t"), -1);
    assert_int_equal(json_boolean(root, "missing"), -1);
    json_object_put(root);
}

static void of_a_repeated_name_the_last_counts(void **state)
{
    struct json_object *root = parse("{\"a\":1,\"b\":2,\"a\":3}");

    (void)state;
    assert_int_equal(json_number(root, "a", -1), 3);
    json_object_put(root);
}

static void write_file(const char *path, const char *text, size_t len)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void files_are_named_in_errors(void **state)
{
    char path[] = "/tmp/test_json_XXXXXX";
    char expected[256];
    char error[256] = "";
    struct json_object *root = NULL;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    write_file(path, "{\"a\":1}\n", 8);
    root = json_read_file(path, error, sizeof error);
    assert_int_equal(json_number(root, "a", -1), 1);
    json_object_put(root);

    write_file(path, "{\n]", 3);
    assert_null(json_read_file(path, error, sizeof error));
    snprintf(expected, sizeof expected,
             "could not parse \"%s\": string expected at byte 2, line 2", path);
    assert_string_equal(error, expected);

    unlink(path);
    assert_null(json_read_file(path, error, sizeof error));
    snprintf(expected, sizeof expected,
             "could not read \"%s\": No such file or directory", path);
    assert_string_equal(error, expected);
    assert_null(json_read_file("/tmp", error, sizeof error));
    assert_string_equal(error, "could not read \"/tmp\": Is a directory");
}

static void files_have_an_exact_limit(void **state)
{
    enum { MAX = 1024 * 1024 };
    char path[] = "/tmp/test_json_XXXXXX";
    char error[256];
    char *text = malloc(MAX + 1);
    int fd = mkstemp(path);

    (void)state;
    assert_non_null(text);
    assert_true(fd >= 0);
    close(fd);
    memset(text, ' ', MAX + 1);
    memcpy(text, "{}", 2);
    for (size_t len = MAX - 1; len <= MAX + 1; len++) {
        struct json_object *root = NULL;

        write_file(path, text, len);
        root = json_read_file(path, error, sizeof error);
        assert_int_equal(root != NULL, len <= MAX);
        json_object_put(root);
    }
    assert_non_null(strstr(error, "File too large"));
    unlink(path);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_the_standard_allows),
        cmocka_unit_test(refuses_what_it_does_not),
        cmocka_unit_test(refuses_nul_bytes),
        cmocka_unit_test(reads_no_byte_past_the_end),
        cmocka_unit_test(says_what_and_where),
        cmocka_unit_test(nesting_has_an_exact_limit),
        cmocka_unit_test(nesting_limit_is_not_breadth),
        cmocka_unit_test(paths_lead_to_values),
        cmocka_unit_test(values_are_of_the_right_type_or_absent),
        cmocka_unit_test(of_a_repeated_name_the_last_counts),
        cmocka_unit_test(files_are_named_in_errors),
        cmocka_unit_test(files_have_an_exact_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
