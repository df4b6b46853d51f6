/* What is HTTP by the letter of RFC 9112, and what is not. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "tests/unit/http_fixture.h"

#define OK "Host: x\r\n"
#define TAIL "\r\n\r\n"

static const struct {
    const char *ptr;
    size_t len;
    unsigned status; /* 0: closed without an answer will do too */
} crooked[] = {
    { BYTES("GET / HTTP/1.1\r\n\r\n"), 400 },
    { BYTES("GET / HTTP/1.1\r\nHost: a\r\nHost: a" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\nHost: a b" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\nHost: a/b" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\nHost : a" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\n" OK "X y: a" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\n" OK ": a" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\n" OK "nocolon" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\n" OK "X: a\0b" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\n" OK "X\0y: b" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\n" OK "X: a\rb" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\n" OK "X: a\x01" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\n" OK "X: a\nY: b" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\n" OK "X: a\r\n b" TAIL), 400 },
    { BYTES("GET / HTTP/1.1\r\n X: a\r\n" OK "\r\n"), 400 },
    { BYTES("GET / HTTP/1.1\nHost: x\n\n"), 400 },
    { BYTES("GET /a\0b HTTP/1.1\r\n" OK "\r\n"), 0 },
    { BYTES("GET /%00 HTTP/1.1\r\n" OK "\r\n"), 400 },
    { BYTES("GET /%zz HTTP/1.1\r\n" OK "\r\n"), 400 },
    { BYTES("GET /% HTTP/1.1\r\n" OK "\r\n"), 400 },
    { BYTES("GET /?a=%4 HTTP/1.1\r\n" OK "\r\n"), 400 },
    { BYTES("GET /a b HTTP/1.1\r\n" OK "\r\n"), 0 },
    { BYTES("G@T / HTTP/1.1\r\n" OK "\r\n"), 400 },
    { BYTES("G\x01T / HTTP/1.1\r\n" OK "\r\n"), 400 },
    { BYTES("\rGET / HTTP/1.1\r\n" OK "\r\n"), 0 },
    { BYTES(" GET / HTTP/1.1\r\n" OK "\r\n"), 0 },
    { BYTES("GET\t/ HTTP/1.1\r\n" OK "\r\n"), 0 },
    { BYTES("GET  / HTTP/1.1\r\n" OK "\r\n"), 0 },
    { BYTES("GET / HTTP/1.1 \r\n" OK "\r\n"), 0 },
    { BYTES("GET / http/1.1\r\n" OK "\r\n"), 0 },
    { BYTES("GET / HTTP/0.9\r\n" OK "\r\n"), 0 },
    { BYTES("GET / HTTP/1.10\r\n" OK "\r\n"), 0 },
    { BYTES("CONNECT a:1 HTTP/1.1\r\n" OK "\r\n"), 400 },
    { BYTES("GET x HTTP/1.1\r\n" OK "\r\n"), 400 },
    { BYTES("GET http://u@h/ HTTP/1.1\r\n" OK "\r\n"), 400 },
    { BYTES("GET http://a%2fb/ HTTP/1.1\r\n" OK "\r\n"), 400 },
    { BYTES("GET / HTTP/2.0\r\n" OK "\r\n"), 0 },
    { BYTES("GET / HTTP/1.1x\r\n" OK "\r\n"), 0 },
    { BYTES("GET /\r\n" OK "\r\n"), 0 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Content-Length: 1\r\n"
            "Content-Length: 1" TAIL "a"),
      400 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Content-Length: 1, 1" TAIL "a"), 400 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Content-Length: +1" TAIL "a"), 400 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Content-Length: -1" TAIL "a"), 400 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Content-Length: 0x1" TAIL "a"), 400 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Content-Length:" TAIL "a"), 400 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Content-Length: 1 1" TAIL "a"), 400 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Content-Length: 99999999999999999999" TAIL
            "a"),
      0 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Content-Length:\r\n 1" TAIL "a"), 400 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Content-Length: 1\r\n"
            "Transfer-Encoding: chunked" TAIL "0" TAIL),
      400 },
    { BYTES("POST / HTTP/1.0\r\n" OK "Transfer-Encoding: chunked" TAIL
            "0" TAIL),
      400 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Transfer-Encoding: gzip" TAIL), 501 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Transfer-Encoding: gzip, chunked" TAIL
            "0" TAIL),
      501 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Transfer-Encoding: chunked, chunked" TAIL
            "0" TAIL),
      501 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Transfer-Encoding: xchunked" TAIL
            "0" TAIL),
      501 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Transfer-Encoding: chunked\r\n"
            "Transfer-Encoding: identity" TAIL "0" TAIL),
      501 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Transfer-Encoding: \x0b"
            "chunked" TAIL "0" TAIL),
      400 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Transfer-Encoding\r\n : chunked" TAIL
            "0" TAIL),
      400 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Transfer-Encoding: chunked" TAIL
            "0x1\r\na\r\n0" TAIL),
      0 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Transfer-Encoding: chunked" TAIL
            "-1\r\na\r\n0" TAIL),
      0 },
    { BYTES("POST / HTTP/1.1\r\n" OK "Transfer-Encoding: chunked" TAIL
            "fffffffffffffffff\r\na\r\n0" TAIL),
      0 },
};

/* Whatever is refused must not be followed by a second request. */
static void refuses_what_others_may_read_differently(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(crooked); i++) {
        static const char second[] = "GET /smuggled HTTP/1.1\r\nHost: "
                                     "x\r\nConnection: close\r\n\r\n";
        struct buf request;
        char *answer;

        buf_init(&request, 4096);
        assert_int_equal(0,
                         buf_append(&request, crooked[i].ptr, crooked[i].len));
        assert_int_equal(0, buf_append_str(&request, second));
        answer = exchange_bytes(f, request.data, request.len);
        if (strstr(answer, "smuggled") || strstr(answer, " 200 ") ||
            f->handled > 0)
            fail_msg("let pass:\n%s\nanswer:\n%s", request.data, answer);
        if (crooked[i].status > 0) {
            unsigned got = status_of(answer);

            /* libmicrohttpd 1.0 knows unknown codings itself: 400. */
            if (got != crooked[i].status &&
                (got != 400 || crooked[i].status != 501))
                fail_msg("expected %u for:\n%s\nanswer:\n%s", crooked[i].status,
                         request.data, answer);
            assert_has(answer, "Connection: close\r\n");
        }
        free(answer);
        buf_release(&request);
    }
}

static void accepts_unusual_but_valid_requests(void **state)
{
    static const char *const requests[] = {
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\r\nX:\r\nY: \t \r\nZ: a\tb \x80\xff\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
        "GET /x HTTP/1.1\r\nhOST:[::1]:80\r\nConnection: close\r\n\r\n",
        "GET /?a&b=&=c&&%41=1 HTTP/1.1\r\nHost: a.b:1\r\n"
        "Connection: close\r\nCookie: a=b; c\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
        "2\r\nab\r\n3\r\ncde\r\n0\r\nTrailer: 1\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        "Content-Length: 0\r\n\r\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        char *answer = exchange(*state, requests[i]);

        if (!strstr(answer, " 200 "))
            fail_msg("refused:\n%s\nanswer:\n%s", requests[i], answer);
        free(answer);
    }
}

static void nothing_follows_a_chunked_body(void **state)
{
    char *answer = exchange(
        *state,
        "POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked"
        "\r\n\r\n1\r\na\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");

    assert_has(answer, "POST /1 ");
    assert_has(answer, "Connection: close\r\n");
    assert_null(strstr(answer, "GET /2"));
    free(answer);
}

/* Bytes that are neither length, data nor line end. */
static void refuses_broken_chunks(void **state)
{
    static const char *const chunks[] = {
        "1\r\nxy\r\n0\r\n\r\n",
        " 1\r\nx\r\n0\r\n\r\n",
        "1 \r\nx\r\n0\r\n\r\n",
        "\r\nx\r\n0\r\n\r\n",
        "1_0\r\nx\r\n0\r\n\r\n",
        "+1\r\nx\r\n0\r\n\r\n",
        "g\r\nx\r\n0\r\n\r\n",
        "1\r\nx0\r\n\r\n",
        "10000000000000000\r\nx\r\n0\r\n\r\n",
        "1\r\nx\r\n0\r\nnot a trailer\r\n\r\n",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
        static const char head[] = "POST / HTTP/1.1\r\nHost: x\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n";
        char *request = mem_format("%s%s", head, chunks[i]);
        char *answer = exchange(f, request);

        if (strstr(answer, " 200 ") || f->handled > 0)
            fail_msg("let pass:\n%s\nanswer:\n%s", request, answer);
        free(answer);
        free(request);
    }
}

static void trailers_are_no_headers(void **state)
{
    char *answer = exchange(*state, "POST / HTTP/1.1\r\nHost: x\r\n"
                                    "Transfer-Encoding: chunked\r\n\r\n"
                                    "1\r\nb\r\n0\r\nX-Test: late\r\n\r\n");

    assert_has(answer, "x=-/0 body=1:b\n");
    free(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(refuses_what_others_may_read_differently),
        HTTP_TEST(accepts_unusual_but_valid_requests),
        HTTP_TEST(nothing_follows_a_chunked_body),
        HTTP_TEST(refuses_broken_chunks),
        HTTP_TEST(trailers_are_no_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
