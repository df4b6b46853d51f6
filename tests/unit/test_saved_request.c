/* HTTP requests as people save them. */
#include <stdio.h>
#include <string.h>

#include "cli/saved_request.h"
#include "tests/unit/unit.h"

static struct saved_request parse(const char *text)
{
    struct saved_request r;
    char error[128];

    if (saved_request_parse(&r, text, strlen(text), error, sizeof error) != 0)
        fail_msg("%s", error);
    return r;
}

static const char *header(const struct saved_request *r, const char *name)
{
    unsigned count = 0;

    return saved_request_header(r, name, &count);
}

static const char *query(const struct saved_request *r, const char *name)
{
    unsigned count = 0;

    return saved_request_query(r, name, &count);
}

static void a_request(void **state)
{
    struct saved_request r = parse(
        "POST /webhooks/a%2Db?jobId=1&x=a%20b+c%3D&flag&=v&%zz=%4 HTTP/1.1\r\n"
        "Host: example\r\nX-Empty:\r\nX-Sig:  t=1,v1=2 \t\r\n"
        "Content-Length: 6\r\nx-sig: again\r\n\r\n{\"a\"}\n");
    unsigned count = 0;

    (void)state;
    assert_string_equal(r.method, "POST");
    assert_string_equal(r.path, "/webhooks/a-b");
    assert_string_equal(query(&r, "jobId"), "1");
    assert_string_equal(query(&r, "x"), "a b c=");
    assert_string_equal(query(&r, "flag"), "");
    assert_string_equal(query(&r, ""), "v");
    assert_string_equal(query(&r, "%zz"), "%4");
    assert_null(query(&r, "jobid"));
    assert_string_equal(saved_request_header(&r, "X-SIG", &count), "t=1,v1=2");
    assert_int_equal(count, 2);
    assert_string_equal(header(&r, "x-empty"), "");
    assert_null(header(&r, "X-None"));
    assert_int_equal(r.body_len, 6);
    assert_string_equal(r.body, "{\"a\"}\n");
    assert_int_equal(r.surplus, 0);
    saved_request_release(&r);
}

static void line_ends_may_be_lf(void **state)
{
    struct saved_request r = parse("POST http://host/p?a=1 HTTP/1.0\n"
                                   "A: 1\nB: 2\n\nbody\r\n\r\n");

    (void)state;
    assert_string_equal(r.path, "/p");
    assert_string_equal(query(&r, "a"), "1");
    assert_string_equal(header(&r, "b"), "2");
    assert_string_equal(r.body, "body\r\n\r\n");
    saved_request_release(&r);
    r = parse("GET http://host HTTP/1.1\n\n");
    assert_string_equal(r.path, "");
    assert_int_equal(r.body_len, 0);
    saved_request_release(&r);
}

static void content_length_tells_what_an_editor_did(void **state)
{
    struct saved_request r =
        parse("POST / HTTP/1.1\nContent-Length: 2\n\n{}\n");

    (void)state;
    assert_int_equal(r.body_len, 2);
    assert_string_equal(r.body, "{}");
    assert_int_equal(r.surplus, 1);
    saved_request_release(&r);
    r = parse("POST / HTTP/1.1\nContent-Length: 5\n\n{}");
    assert_int_equal(r.body_len, 2);
    assert_int_equal(r.surplus, -3);
    saved_request_release(&r);
    r = parse("POST / HTTP/1.1\nContent-Length: many\n\n{}");
    assert_int_equal(r.body_len, 2);
    assert_int_equal(r.surplus, 0);
    saved_request_release(&r);
}

static void chunks_are_joined(void **state)
{
    static const struct {
        const char *body, *joined;
    } cases[] = {
        { "2\r\n{\"\r\n4;x=y\r\na\":1\r\n1\r\n}\r\n0\r\n\r\n", "{\"a\":1}" },
        { "2\n{}\n0\n\n", "{}" },
        { "A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", "0123456789" },
        /* a tool has joined them already */
        { "{\"a\":1}", "{\"a\":1}" },
        { "12", "12" },
        { "ff\r\n{}\r\n0\r\n\r\n", "ff\r\n{}\r\n0\r\n\r\n" },
        { "2\r\n{}\r\n", "2\r\n{}\r\n" },
        { "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        struct saved_request r;

        snprintf(text, sizeof text,
                 "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n%s",
                 cases[i].body);
        r = parse(text);
        assert_string_equal(r.body, cases[i].joined);
        assert_int_equal(r.body_len, strlen(cases[i].joined));
        saved_request_release(&r);
    }
}

static void what_is_no_request_is_refused(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        { "", "first line" },
        { "{}", "first line" },
        { "POST /\r\n\r\n", "first line" },
        { "POST / FTP/1.1\r\n\r\n", "first line" },
        { "HTTP/1.1 200 OK\r\n\r\n", "first line" },
        { "POST / HTTP/1.1\r\nHost\r\n\r\n", "header 1 is not" },
        { "POST / HTTP/1.1\r\nA: 1\r\n: 2\r\n\r\n", "header 2 is not" },
        { "POST / HTTP/1.1\r\nA: 1\r\n", "no empty line" },
        { "POST / HTTP/1.1\r\nA: 1", "no empty line" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct saved_request r;
        char error[128] = "";

        assert_int_equal(saved_request_parse(&r, cases[i].text,
                                             strlen(cases[i].text), error,
                                             sizeof error),
                         -1);
        assert_non_null(strstr(error, cases[i].error));
        saved_request_release(&r);
    }
}

static void headers_are_limited(void **state)
{
    (void)state;
    for (int extra = -1; extra <= 1; extra++) {
        char text[SAVED_FIELDS_MAX * 8 + 64] = "POST / HTTP/1.1\n";
        size_t len = strlen(text);
        struct saved_request r;
        char error[128];

        for (int i = 0; i < SAVED_FIELDS_MAX + extra; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "A: 1\n");
        snprintf(text + len, sizeof text - len, "\n");
        assert_int_equal(
            saved_request_parse(&r, text, strlen(text), error, sizeof error),
            extra > 0 ? -1 : 0);
        saved_request_release(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request),
        cmocka_unit_test(line_ends_may_be_lf),
        cmocka_unit_test(content_length_tells_what_an_editor_did),
        cmocka_unit_test(chunks_are_joined),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(headers_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
