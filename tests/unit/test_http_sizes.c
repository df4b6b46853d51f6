/* How much anybody may send: each limit at n - 1, n and n + 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/query.h"
#include "tests/unit/http_fixture.h"

static char *post_sized(struct fixture *f, size_t len, const char *more)
{
    char *body = mem_alloc(len + 1);
    char *answer;
    char *request;

    memset(body, 'b', len);
    body[len] = '\0';
    request = mem_format("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "
                         "%zu\r\nConnection: close\r\n%s\r\n%s",
                         len, more, body);
    answer = exchange(f, request);
    free(request);
    free(body);
    return answer;
}

static void limits_the_declared_body(void **state)
{
    static const size_t sizes[] = { MAX_BODY - 1, MAX_BODY, MAX_BODY + 1,
                                    100 * 1024 };

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *answer = post_sized(*state, sizes[i], "");

        assert_status(answer, sizes[i] <= MAX_BODY ? 200 : 413);
        if (sizes[i] > MAX_BODY) {
            assert_has(answer, "Connection: close\r\n");
            assert_has(answer, "\r\n\r\n{\"error\":\"request body too "
                               "large\"}\n");
        }
        free(answer);
    }
}

static void refuses_before_the_body_comes(void **state)
{
    char *answer = exchange(*state, "POST / HTTP/1.1\r\nHost: x\r\n"
                                    "Expect: 100-continue\r\n"
                                    "Content-Length: 1001\r\n\r\n");

    assert_status(answer, 413);
    assert_has(answer, "Connection: close\r\n");
    free(answer);
}

static void limits_the_chunked_body(void **state)
{
    static const size_t sizes[] = { MAX_BODY - 1, MAX_BODY, MAX_BODY + 1 };

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char body[MAX_BODY + 2];
        char *answer;
        char *request;

        memset(body, 'c', sizes[i]);
        body[sizes[i]] = '\0';
        request = mem_format("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding"
                             ": chunked\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n",
                             sizes[i], body);
        answer = exchange(*state, request);
        assert_status(answer, sizes[i] <= MAX_BODY ? 200 : 413);
        free(answer);
        free(request);
    }
}

/* Of all requests together, for as long as they are held. */
static void limits_the_memory_of_bodies(void **state)
{
    static const char text[] = "POST /later HTTP/1.1\r\nHost: x\r\n"
                               "Content-Length: 4\r\n\r\nbody";
    struct fixture *f = *state;
    struct client held, over, again;

    fixture_serve(f, (struct http_server_options){ .max_body_bytes = MAX_BODY,
                                                   .max_bodies_bytes = 7 });
    client_open(&held, f);
    client_send(&held, BYTES(text));
    while (!f->held)
        fixture_run(f);
    client_open(&over, f);
    client_send(&over, BYTES("POST / HTTP/1.1\r\nHost: x\r\n"
                             "Content-Length: 4\r\n\r\nbody"));
    client_read(&over, NULL);
    assert_status(over.got.data, 503);
    assert_has(over.got.data, "Retry-After: ");
    assert_has(over.got.data, "Connection: close\r\n");
    assert_int_equal(1, f->events[HTTP_BODIES_TOO_MANY]);

    client_open(&again, f); /* seven bytes are the limit */
    client_send(&again, BYTES("POST / HTTP/1.1\r\nHost: x\r\n"
                              "Content-Length: 3\r\n\r\nbod"));
    client_read(&again, "body=3:bod\n");
    http_respond(f->held, 200, NULL, BYTES("done"), NULL);
    client_read(&held, "done");
    client_send(&again, BYTES("POST / HTTP/1.1\r\nHost: x\r\n"
                              "Content-Length: 7\r\n\r\nallfree"));
    client_read(&again, "body=7:allfree\n");
    assert_int_equal(1, f->events[HTTP_BODIES_TOO_MANY]);
    client_close(&held);
    client_close(&over);
    client_close(&again);
}

/* A head of exactly so many bytes, with its padding in the request line or in a
 * header; the caller frees it. */
static char *head_of(size_t size, bool in_target)
{
    static const char rest[] =
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: \r\n\r\n";
    size_t padding = size - (sizeof rest - 1);
    char *x = mem_alloc(padding + 1);
    char *head;

    memset(x, 'x', padding);
    x[padding] = '\0';
    head = mem_format("GET /%s HTTP/1.1\r\nHost: x\r\n"
                      "Connection: close\r\nX: %s\r\n\r\n",
                      in_target ? x : "", in_target ? "" : x);
    assert_int_equal(size, strlen(head));
    free(x);
    return head;
}

static void check_head_limit(struct fixture *f, size_t limit, bool in_target)
{
    for (size_t size = limit - 1; size <= limit + 1; size++) {
        char *head = head_of(size, in_target);
        char *answer = exchange(f, head);

        assert_status(answer, size <= limit ? 200 : 431);
        assert_has(answer, "Connection: close\r\n");
        free(answer);
        free(head);
    }
}

static const size_t head_limits[] = { 2048, 4096, LIMIT_HTTP_HEAD_BYTES };

static void serve_heads(struct fixture *f, size_t limit)
{
    fixture_serve(f, (struct http_server_options){ .max_body_bytes = MAX_BODY,
                                                   .max_head_bytes = limit });
}

static void limits_the_head(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(head_limits); i++) {
        serve_heads(f, head_limits[i]);
        check_head_limit(f, head_limits[i], false);
        check_head_limit(f, head_limits[i], true);
        assert_int_equal(2, f->events[HTTP_HEAD_TOO_LARGE]);
        assert_int_equal(0, f->events[HTTP_HEAD_MALFORMED]);
    }
}

/* Far more than fits the connection's memory: libmicrohttpd's own refusal. */
static void refuses_a_huge_head(void **state)
{
    struct fixture *f = *state;

    for (int in_target = 0; in_target <= 1; in_target++) {
        char *head = head_of(100 * 1024, in_target);
        char *answer = exchange(f, head);
        unsigned status = status_of(answer);

        assert_true(status == 0 || status == 431 || status == 414);
        assert_int_equal(0, f->handled);
        free(answer);
        free(head);
    }
}

static void limits_the_number_of_headers(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(head_limits); i++) {
        size_t limit = head_limits[i] / 96 < LIMIT_HTTP_HEADERS
                           ? head_limits[i] / 96
                           : LIMIT_HTTP_HEADERS;

        serve_heads(f, head_limits[i]);
        for (size_t count = limit - 1; count <= limit + 1; count++) {
            struct buf request;
            char *answer;

            buf_init(&request, LIMIT_HTTP_HEAD_BYTES);
            assert_int_equal(0,
                             buf_append_str(&request, "GET / HTTP/1.1\r\n"
                                                      "Host: x\r\n"
                                                      "Connection: close\r\n"));
            for (size_t k = 2; k < count; k++)
                assert_int_equal(0, buf_append_str(&request, "X:\r\n"));
            assert_int_equal(0, buf_append_str(&request, "\r\n"));
            answer = exchange(f, request.data);
            assert_status(answer, count <= limit ? 200 : 431);
            free(answer);
            buf_release(&request);
        }
    }
}

/* The whole head and all headers at once must fit the connection's memory. */
static void takes_the_largest_head_with_a_body(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(head_limits); i++) {
        size_t limit = head_limits[i];
        size_t headers =
            limit / 96 < LIMIT_HTTP_HEADERS ? limit / 96 : LIMIT_HTTP_HEADERS;
        struct buf request;
        char *answer;

        serve_heads(f, limit);
        buf_init(&request, limit + 100);
        assert_int_equal(0, buf_append_str(&request,
                                           "POST /?a=b HTTP/1.1\r\nHost: x\r\n"
                                           "Connection: close\r\n"
                                           "Content-Length: 4\r\n"));
        for (size_t k = 3; k < headers; k++)
            assert_int_equal(0, buf_printf(&request, "X: %070zu\r\n", k));
        while (request.len < limit - 2) {
            request.data[request.len - 2] = 'x';
            request.data[request.len - 1] = '\r';
            assert_int_equal(0, buf_append_str(&request, "\n"));
        }
        assert_int_equal(0, buf_append_str(&request, "\r\nbody"));
        answer = exchange(f, request.data);
        assert_status(answer, 200);
        assert_has(answer, "body=4:body");
        free(answer);
        buf_release(&request);
    }
}

static void limits_the_number_of_parameters(void **state)
{
    struct fixture *f = *state;

    for (size_t count = QUERY_MAX - 1; count <= QUERY_MAX + 1; count++) {
        struct buf request;
        char *answer;

        buf_init(&request, LIMIT_HTTP_HEAD_BYTES);
        assert_int_equal(0, buf_append_str(&request, "GET /?a"));
        for (size_t i = 1; i < count; i++)
            assert_int_equal(0, buf_append_str(&request, "&a"));
        assert_int_equal(0, buf_append_str(&request, " HTTP/1.1\r\nHost: x\r\n"
                                                     "Connection: close\r\n"
                                                     "\r\n"));
        answer = exchange(f, request.data);
        assert_status(answer, count <= QUERY_MAX ? 200 : 414);
        assert_has(answer, "Connection: close\r\n");
        free(answer);
        buf_release(&request);
    }
    assert_int_equal(1, f->events[HTTP_HEAD_TOO_LARGE]);
}

#define END "Host: x\r\nConnection: close\r\n\r\n"

/* More of everything than the connection's memory holds must end, too, and long
 * before its deadline. */
static void never_hangs_when_memory_is_short(void **state)
{
    static const struct {
        const char *before, *each, *after;
        size_t times;
    } cases[] = {
        { "GET /?", "a&", " HTTP/1.1\r\n", 1900 },
        { "GET /?", "a&", " HTTP/1.1\r\n", 30 },
        { "GET / HTTP/1.1\r\nCookie: ", "a=b;", "\r\n", 900 },
        { "GET / HTTP/1.1\r\nCookie: ", "a;", "\r\n", 300 },
        { "GET / HTTP/1.1\r\n", "X:\r\n", "", 900 },
        { "GET /?a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a HTTP/1.1\r\n",
          "X: 0123456789012345678901234567890123456789\r\n", "", 30 },
        { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END
          "1\r\nx\r\n0\r\n",
          "X: 1\r\n", "", 900 },
        { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "1;", "x", "",
          50000 },
        { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END, "0", "",
          50000 },
    };
    struct fixture *f = *state;

    fixture_serve(f, (struct http_server_options){ .max_body_bytes = MAX_BODY,
                                                   .max_head_bytes = 2048,
                                                   .head_timeout_s = 1000,
                                                   .body_timeout_s = 1000,
                                                   .idle_timeout_s = 1000 });
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf request;
        char *answer;

        buf_init(&request, 128 * 1024);
        assert_int_equal(0, buf_append_str(&request, cases[i].before));
        for (size_t k = 0; k < cases[i].times; k++)
            assert_int_equal(0, buf_append_str(&request, cases[i].each));
        assert_int_equal(0, buf_append_str(&request, cases[i].after));
        assert_int_equal(0, buf_append_str(&request, END));
        answer = exchange(f, request.data);
        free(answer);
        buf_release(&request);
    }
}

/* libmicrohttpd 1.0.1 itself crashes on that: no header, a last parameter
 * without a value, little memory left, and more bytes. */
static void survives_a_head_without_headers(void **state)
{
    struct fixture *f = *state;

    fixture_serve(f, (struct http_server_options){ .max_head_bytes = 1024 });
    for (size_t len = 1; len < 1000; len += 9) {
        char *request =
            mem_format("GET /%0*d?c HTTP/1.1\r\n\r\nmore\r\n\r\n", (int)len, 0);
        char *answer = exchange(f, request);

        assert_status(answer, 400);
        free(answer);
        free(request);
    }
}

/* libmicrohttpd counts parameters behind a NUL that we do not see, refuses
 * them, and does not always tell. */
static void forgets_no_request(void **state)
{
    struct fixture *f = *state;

    fixture_serve(f, (struct http_server_options){ .max_head_bytes = 1024 });
    for (unsigned count = 30; count < 60; count++) {
        struct client c;

        client_open(&c, f);
        client_send(&c, BYTES("GET /\0?"));
        for (unsigned i = 0; i < count; i++)
            client_send(&c, BYTES("a&"));
        client_send(&c, BYTES(" HTTP/1.1\r\n"));
        loop_timer_start(f->step, 5);
        fixture_run(f);
        client_close(&c);
        fixture_wait(f, &f->events[HTTP_CONNECTION_CLOSED], count - 29);
    }
    assert_int_equal(0, f->handled);
    /* http_server_free() asserts that there is none left. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(limits_the_declared_body),
        HTTP_TEST(refuses_before_the_body_comes),
        HTTP_TEST(limits_the_chunked_body),
        HTTP_TEST(limits_the_memory_of_bodies),
        HTTP_TEST(limits_the_head),
        HTTP_TEST(refuses_a_huge_head),
        HTTP_TEST(limits_the_number_of_headers),
        HTTP_TEST(takes_the_largest_head_with_a_body),
        HTTP_TEST(limits_the_number_of_parameters),
        HTTP_TEST(never_hangs_when_memory_is_short),
        HTTP_TEST(survives_a_head_without_headers),
        HTTP_TEST(forgets_no_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
