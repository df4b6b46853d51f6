#include <string.h>

#include "common/http_guard.h"
#include "common/limits.h"
#include "tests/unit/unit.h"

#define FIELD(n, v)                                                            \
    {                                                                          \
        (n), sizeof(n) - 1, (v), sizeof(v) - 1                                 \
    }
#define MAX_FIELDS 3

static void judges_heads(void **state)
{
    static const struct {
        const char *version;
        enum http_verdict verdict;
        struct http_guard_field fields[MAX_FIELDS];
    } cases[] = {
        { "HTTP/1.1", HTTP_FINE, { FIELD("Host", "a") } },
        { "HTTP/1.1", HTTP_FINE, { FIELD("hOsT", " a:80\t") } },
        { "HTTP/1.1", HTTP_FINE, { FIELD("Host", "") } },
        { "HTTP/1.1", HTTP_FINE, { FIELD("Host", "a_b.c-d.~!$&'()*+,;=") } },
        { "HTTP/1.1", HTTP_FINE, { FIELD("Host", "a%20b") } },
        { "HTTP/1.1", HTTP_FINE, { FIELD("Host", "[::1]:8080") } },
        { "HTTP/1.1", HTTP_FINE, { FIELD("Host", "[v1.x]") } },
        { "HTTP/1.1", HTTP_FINE, { FIELD("Host", "a:") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Hos", "a") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "a b") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "a/b") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "a@b") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "a%2") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "a%zz") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "a:b") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "a:123456") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "::1") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "[::1") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "[]") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "[::1]x") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "[a/b]") } },
        { "HTTP/1.1", HTTP_BAD_HOST, { FIELD("Host", "\xc3\xa9") } },
        { "HTTP/1.1",
          HTTP_BAD_HOST,
          { FIELD("Host", "a"), FIELD("host", "a") } },
        { "HTTP/1.0",
          HTTP_BAD_HOST,
          { FIELD("Host", "a"), FIELD("host", "a") } },
        { "HTTP/1.0", HTTP_FINE, { FIELD("X", "a") } },
        { "HTTP/1.7", HTTP_BAD_HOST, { FIELD("X", "a") } },

        { "HTTP/1.0", HTTP_FINE, { FIELD("X", "") } },
        { "HTTP/1.0", HTTP_FINE, { FIELD("X", "a\tb \x80\xff") } },
        { "HTTP/1.0", HTTP_FINE, { FIELD("!#$%&'*+-.^_`|~09azAZ", "") } },
        { "HTTP/1.0", HTTP_BAD_FIELD_NAME, { FIELD("", "a") } },
        { "HTTP/1.0", HTTP_BAD_FIELD_NAME, { FIELD("X ", "a") } },
        { "HTTP/1.0", HTTP_BAD_FIELD_NAME, { FIELD("X\0Y", "a") } },
        { "HTTP/1.0", HTTP_BAD_FIELD_NAME, { FIELD("X(Y", "a") } },
        { "HTTP/1.0", HTTP_BAD_FIELD_NAME, { FIELD("X\xc3\xa9", "a") } },
        { "HTTP/1.0", HTTP_BAD_FIELD_VALUE, { FIELD("X", "a\0b") } },
        { "HTTP/1.0", HTTP_BAD_FIELD_VALUE, { FIELD("X", "a\rb") } },
        { "HTTP/1.0", HTTP_BAD_FIELD_VALUE, { FIELD("X", "a\nb") } },
        { "HTTP/1.0", HTTP_BAD_FIELD_VALUE, { FIELD("X", "a\x7f") } },
        { "HTTP/1.0", HTTP_BAD_FIELD_VALUE, { FIELD("X", "\x1f") } },

        { "HTTP/1.0", HTTP_FINE, { FIELD("Content-Length", "0") } },
        { "HTTP/1.0", HTTP_FINE, { FIELD("content-length", "17 ") } },
        { "HTTP/1.0",
          HTTP_FINE,
          { FIELD("Content-Length", "999999999999999999") } },
        { "HTTP/1.0",
          HTTP_BAD_LENGTH,
          { FIELD("Content-Length", "1000000000000000000") } },
        { "HTTP/1.0", HTTP_BAD_LENGTH, { FIELD("Content-Length", "") } },
        { "HTTP/1.0", HTTP_BAD_LENGTH, { FIELD("Content-Length", "1,1") } },
        { "HTTP/1.0", HTTP_BAD_LENGTH, { FIELD("Content-Length", "1 1") } },
        { "HTTP/1.0", HTTP_BAD_LENGTH, { FIELD("Content-Length", "+1") } },
        { "HTTP/1.0", HTTP_BAD_LENGTH, { FIELD("Content-Length", "-1") } },
        { "HTTP/1.0", HTTP_BAD_LENGTH, { FIELD("Content-Length", "0x1") } },
        { "HTTP/1.0", HTTP_BAD_LENGTH, { FIELD("Content-Length", "1.0") } },
        { "HTTP/1.0",
          HTTP_BAD_LENGTH,
          { FIELD("Content-Length", "1"), FIELD("Content-length", "1") } },

        { "HTTP/1.1",
          HTTP_FINE,
          { FIELD("Host", ""), FIELD("transfer-encoding", "CHUNKED") } },
        { "HTTP/1.1",
          HTTP_BAD_CODING,
          { FIELD("Host", ""), FIELD("Transfer-Encoding", "chunked ") } },
        { "HTTP/1.1",
          HTTP_BAD_CODING,
          { FIELD("Host", ""), FIELD("Transfer-Encoding", "") } },
        { "HTTP/1.1",
          HTTP_BAD_CODING,
          { FIELD("Host", ""), FIELD("Transfer-Encoding", "identity") } },
        { "HTTP/1.1",
          HTTP_BAD_CODING,
          { FIELD("Host", ""), FIELD("Transfer-Encoding", "gzip, chunked") } },
        { "HTTP/1.1",
          HTTP_BAD_CODING,
          { FIELD("Host", ""), FIELD("Transfer-Encoding", "chunked"),
            FIELD("Transfer-Encoding", "chunked") } },
        { "HTTP/1.1",
          HTTP_LENGTH_AND_CODING,
          { FIELD("Host", ""), FIELD("Transfer-Encoding", "chunked"),
            FIELD("Content-Length", "1") } },
        { "HTTP/1.0",
          HTTP_CODING_ON_HTTP_1_0,
          { FIELD("Transfer-Encoding", "chunked") } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t count = 0;
        enum http_verdict got;

        while (count < MAX_FIELDS && cases[i].fields[count].name)
            count++;
        got = http_guard_check(cases[i].version, cases[i].fields, count);
        if (got != cases[i].verdict)
            fail_msg("case %zu, \"%s: %s\": %s instead of %s", i,
                     cases[i].fields[count - 1].name,
                     cases[i].fields[count - 1].value, http_verdict_text(got),
                     http_verdict_text(cases[i].verdict));
    }
}

static void limits_the_number_of_fields(void **state)
{
    struct http_guard_field fields[LIMIT_HTTP_HEADERS + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        fields[i] = (struct http_guard_field)FIELD("X", "a");
    for (size_t n = LIMIT_HTTP_HEADERS - 1; n <= LIMIT_HTTP_HEADERS + 1; n++)
        assert_int_equal(n <= LIMIT_HTTP_HEADERS ? HTTP_FINE
                                                 : HTTP_TOO_MANY_FIELDS,
                         http_guard_check("HTTP/1.0", fields, n));
}

static void judges_methods(void **state)
{
    static const char *const fine[] = { "GET", "M-SEARCH", "get",
                                        "!#$%&'*+.^" };
    static const char *const bad[] = {
        "", "G@T", "\rGET", " GET", "G\x01T", "GET\t", "G\x7fT", "G\xc3\xa9T"
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        if (http_guard_method(fine[i]) != HTTP_FINE)
            fail_msg("refused: %s", fine[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (http_guard_method(bad[i]) != HTTP_BAD_METHOD)
            fail_msg("let pass: %s", bad[i]);
}

static void judges_targets(void **state)
{
    static const char *const fine[] = {
        "/", "/a/b?c=d&e", "/%20%41%0a",    "//",           "/\xc3\xa9",
        "*", "http://a/b", "HTTPS://a:1?x", "http://[::1]", "/?%25",
    };
    static const char *const bad[] = {
        "",          "a",          "**",   "/a b",        "/a\tb",
        "/\x7f",     "/%",         "/%4",  "/%g0",        "/%0g",
        "/%00",      "/?a=%00",    "/a#b", "ftp://a/",    "http://",
        "http:///a", "http:/a",    "a:80", "http://u@a/", "http://a%2f/",
        "http://?x", "http://a b",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        if (http_guard_target(fine[i], strlen(fine[i])) != HTTP_FINE)
            fail_msg("\"%s\" is fine", fine[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (http_guard_target(bad[i], strlen(bad[i])) != HTTP_BAD_TARGET)
            fail_msg("\"%s\" is bad", bad[i]);
    assert_int_equal(HTTP_BAD_TARGET, http_guard_target("/\0", 2));
}

/* A head as the old parser leaves it: "GET", "/", "HTTP/1.1", two fields. */
static const char buffer[] = "GET\0/\0HTTP/1.1\0\0Host\0 a\0\0X\0b\0\0\0\0";

static struct http_guard_head head_of(struct http_guard_field fields[2])
{
    fields[0] = (struct http_guard_field){ buffer + 16, 4, buffer + 22, 1 };
    fields[1] = (struct http_guard_field){ buffer + 25, 1, buffer + 27, 1 };
    return (struct http_guard_head){ .method = buffer,
                                     .target = buffer + 4,
                                     .target_len = 1,
                                     .version = buffer + 6,
                                     .fields = fields,
                                     .count = 2,
                                     .size = 32 };
}

static void finds_gaps_between_lines(void **state)
{
    struct http_guard_field fields[2];
    struct http_guard_head head = head_of(fields);

    (void)state;
    assert_int_equal(HTTP_FINE, http_guard_lines(&head));

    head.size--; /* the last line ends early, as with a bare LF */
    assert_int_equal(HTTP_BAD_LINES, http_guard_lines(&head));
    head = head_of(fields);
    head.size++; /* bytes behind the last value */
    assert_int_equal(HTTP_BAD_LINES, http_guard_lines(&head));
    head = head_of(fields);
    head.target_len = 0; /* a NUL inside the target */
    assert_int_equal(HTTP_BAD_LINES, http_guard_lines(&head));
    head = head_of(fields);
    head.target++; /* two blanks */
    assert_int_equal(HTTP_BAD_LINES, http_guard_lines(&head));
    head = head_of(fields);
    head.count = 1; /* a line that became no field */
    assert_int_equal(HTTP_BAD_LINES, http_guard_lines(&head));
    head = head_of(fields);
    fields[1].name++; /* a gap between two lines */
    assert_int_equal(HTTP_BAD_LINES, http_guard_lines(&head));
    head = head_of(fields);
    fields[0].value -= 3; /* before its name's end */
    assert_int_equal(HTTP_BAD_LINES, http_guard_lines(&head));
    head = head_of(fields);
    fields[0].name = "Host"; /* moved: a folded line */
    assert_int_equal(HTTP_BAD_LINES, http_guard_lines(&head));
    head = head_of(fields);
    fields[0].value = "a"; /* elsewhere */
    assert_int_equal(HTTP_BAD_LINES, http_guard_lines(&head));
    head = head_of(fields);
    fields[0].value_len = 0; /* a NUL inside the value */
    assert_int_equal(HTTP_BAD_LINES, http_guard_lines(&head));
}

static void every_verdict_has_a_status_and_a_text(void **state)
{
    (void)state;
    for (int v = HTTP_FINE; v <= HTTP_TOO_MANY_FIELDS; v++) {
        assert_non_null(http_verdict_text((enum http_verdict)v));
        assert_in_range(http_verdict_status((enum http_verdict)v), 200, 599);
    }
    assert_int_equal(501, http_verdict_status(HTTP_BAD_CODING));
    assert_int_equal(431, http_verdict_status(HTTP_TOO_MANY_FIELDS));
    assert_int_equal(400, http_verdict_status(HTTP_BAD_LINES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_heads),
        cmocka_unit_test(limits_the_number_of_fields),
        cmocka_unit_test(judges_methods),
        cmocka_unit_test(judges_targets),
        cmocka_unit_test(finds_gaps_between_lines),
        cmocka_unit_test(every_verdict_has_a_status_and_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
