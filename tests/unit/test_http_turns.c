/* One request after the other: who answers what, when, and who closes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/mem.h"
#include "tests/unit/http_fixture.h"

/* RFC 9110, 9.3.2: all that GET gets, but for the body. */
static void head_gets_what_get_gets(void **state)
{
    static const char *const paths[] = { "/x", "/error", "/file", "/empty" };

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        char *get_text = mem_format("GET %s HTTP/1.1\r\nHost: x\r\n"
                                    "Connection: close\r\n\r\n",
                                    paths[i]);
        char *head_text = mem_format("HEAD %s HTTP/1.1\r\nHost: x\r\n"
                                     "Connection: close\r\n\r\n",
                                     paths[i]);
        char *get = exchange(*state, get_text);
        char *head = exchange(*state, head_text);
        const char *length = strstr(get, "Content-Length: ");

        assert_int_equal(status_of(get), status_of(head));
        assert_string_equal("\r\n\r\n", strstr(head, "\r\n\r\n"));
        if (length && strcmp(paths[i], "/x") != 0) { /* tells the method */
            char line[64];

            snprintf(line, sizeof line, "%.*s",
                     (int)(strstr(length, "\r\n") - length), length);
            assert_has(head, line);
        }
        free(get);
        free(head);
        free(get_text);
        free(head_text);
    }
}

static const char pipeline[] =
    "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
    "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfirst"
    "HEAD /3 HTTP/1.1\r\nHost: x\r\n\r\n"
    "POST /4 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    "GET /5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    "GET /6 HTTP/1.1\r\nHost: x\r\n\r\n";

static void assert_pipeline(const char *answers)
{
    static const char *const expected[] = {
        "\r\n\r\nGET /1 a=-/0 x=-/0 body=0:\nHTTP/1.1 200 OK\r\n",
        "\r\n\r\nPOST /2 a=-/0 x=-/0 body=5:first\nHTTP/1.1 200 OK\r\n",
        "\r\n\r\nHTTP/1.1 200 OK\r\n",
        "\r\n\r\nPOST /4 a=-/0 x=-/0 body=0:\nHTTP/1.1 200 OK\r\n",
        "Connection: close\r\n",
        "\r\n\r\nGET /5 a=-/0 x=-/0 body=0:\n",
    };
    const char *at = answers;

    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        const char *found = strstr(at, expected[i]);

        if (!found)
            fail_msg("\"%s\" is missing or too early in:\n%s", expected[i],
                     answers);
        at = found + strlen(expected[i]) - strlen("HTTP/1.1 200 OK\r\n");
    }
    assert_int_equal(5, count_of(answers, "HTTP/1.1 200 OK\r\n"));
    assert_int_equal(1, count_of(answers, "Connection: close\r\n"));
}

static void answers_a_pipeline_in_its_order(void **state)
{
    char *answers = exchange(*state, pipeline);

    assert_pipeline(answers);
    free(answers);
}

/* Wherever the packets end. */
static void answers_a_pipeline_cut_anywhere(void **state)
{
    struct fixture *f = *state;

    for (size_t cut = 1; cut < sizeof pipeline - 1; cut++) {
        struct client c;
        unsigned opened = f->events[HTTP_CONNECTION_OPENED];

        client_open(&c, f);
        client_send(&c, pipeline, cut);
        fixture_wait(f, &f->events[HTTP_CONNECTION_OPENED], opened + 1);
        /* may fail behind the last request that is answered */
        (void)!send(c.fd, pipeline + cut, sizeof pipeline - 1 - cut,
                    MSG_NOSIGNAL);
        client_read(&c, NULL);
        assert_pipeline(c.got.data);
        client_close(&c);
    }
}

static void a_pipeline_waits_for_a_late_answer(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_hold(&c, f);
    client_send(&c, BYTES("GET /next HTTP/1.1\r\nHost: x\r\n"
                          "Connection: close\r\n\r\n"));
    loop_timer_start(f->step, 20);
    fixture_run(f);
    assert_int_equal(0, c.got.len);
    assert_int_equal(1, f->handled);
    http_respond(f->held, 200, NULL, BYTES("at last"), NULL);
    client_read(&c, NULL);
    assert_has(c.got.data, "at lastHTTP/1.1 200 OK\r\n");
    assert_has(c.got.data, "GET /next ");
    client_close(&c);
}

static void keeps_or_closes_as_asked(void **state)
{
    static const struct {
        const char *head;
        bool keeps;
    } cases[] = {
        { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", true },
        { "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", true },
        { "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false },
        { "GET / HTTP/1.1\r\nHost: x\r\nConnection: a, CLOSE\r\n\r\n", false },
        { "GET / HTTP/1.1\r\nHost: x\r\nConnection: a\r\n"
          "Connection: close\r\n\r\n",
          false },
        { "GET / HTTP/1.0\r\n\r\n", false },
        { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct client c;

        client_open(&c, f);
        client_send(&c, cases[i].head, strlen(cases[i].head));
        if (cases[i].keeps) {
            client_read(&c, "body=0:\n");
            assert_null(strstr(c.got.data, "Connection: close"));
            client_send(&c, BYTES("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"));
            client_read(&c, "GET /2 ");
        } else {
            client_read(&c, NULL);
            assert_has(c.got.data, "Connection: close\r\n");
        }
        assert_has(c.got.data, "GET / a=-");
        client_close(&c);
    }
}

static void says_continue_to_who_waits_for_it(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_open(&c, f);
    client_send(&c, BYTES("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
                          "Connection: close\r\nExpect: 100-Continue\r\n\r\n"));
    client_read(&c, "\r\n\r\n");
    assert_string_equal("HTTP/1.1 100 Continue\r\n\r\n", c.got.data);
    assert_int_equal(0, f->handled);
    client_send(&c, BYTES("body"));
    client_read(&c, NULL);
    assert_int_equal(2, count_of(c.got.data, "HTTP/1.1 "));
    assert_has(c.got.data, "HTTP/1.1 200 OK\r\n");
    assert_has(c.got.data, "body=4:body\n");
    client_close(&c);
}

/* What is refused is refused at once: no 100, and no body is waited for. */
static void says_no_to_who_waits(void **state)
{
    static const struct {
        const char *head;
        unsigned status;
    } cases[] = {
        { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n", 413 },
        { "POST / HTTP/1.1\r\nContent-Length: 4\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
          "Content-Length: 4\r\n",
          400 },
        { "POST /%00 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: x\r\n", 400 },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *request =
            mem_format("%sExpect: 100-continue\r\n\r\n", cases[i].head);
        char *answer = exchange(*state, request);

        assert_status(answer, cases[i].status);
        assert_int_equal(0, count_of(answer, "100 Continue"));
        assert_int_equal(1, count_of(answer, "Connection: close\r\n"));
        free(answer);
        free(request);
    }
}

static void judges_the_head_alone(void **state)
{
    static const struct {
        const char *head;
        const char *body;
    } cases[] = {
        { "GET /judged HTTP/1.1\r\nHost: x\r\n\r\n", "" },
        { "POST /judged HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n",
          "body" },
        { "POST /judged HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked"
          "\r\n\r\n",
          "4\r\nbody\r\n0\r\n\r\n" },
        { "POST /judged HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
          "Expect: 100-continue\r\n\r\n",
          "" },
        { "POST /judged HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
          "Expect: 100-continue\r\n\r\n",
          "" },
        { "POST /judged HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
          "Connection: close\r\n\r\n",
          "body" },
    };
    struct fixture *f = *state;

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct client c;

        client_open(&c, f);
        client_send(&c, cases[i].head, strlen(cases[i].head));
        client_send(&c, cases[i].body, strlen(cases[i].body));
        client_read(&c, NULL); /* until it closes */
        assert_status(c.got.data, 403);
        assert_has(c.got.data, "{\"error\":\"not you\"}");
        assert_int_equal(1, count_of(c.got.data, "Connection: close\r\n"));
        assert_int_equal(i + 1, f->heads);
        client_close(&c);
    }
    assert_int_equal(0, f->handled);
    assert_int_equal(0, http_server_in_flight(f->server));
    fixture_wait(f, &f->events[HTTP_CONNECTION_CLOSED], ARRAY_LEN(cases));
}

/* More than fits the socket's buffers; both sides share this thread. */
static void feed(struct client *c, size_t size)
{
    char piece[65536];

    memset(piece, 'b', sizeof piece);
    while (size > 0 && !c->eof) {
        size_t len = size < sizeof piece ? size : sizeof piece;
        ssize_t n = send(c->fd, piece, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0) {
            size -= (size_t)n;
            continue;
        }
        loop_timer_start(c->f->step, 1);
        fixture_run(c->f);
    }
}

/* Its size is judged later, and there is an end to throwing away. */
static void judges_the_head_of_a_huge_body(void **state)
{
    static const struct {
        size_t size;
        unsigned status; /* 0: closed without an answer */
    } cases[] = {
        { MAX_BODY + 1, 403 },
        { 8 * 1024 * 1024, 403 },
        { 8 * 1024 * 1024 + 1, 0 },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct client c;
        char head[160];
        int len = snprintf(head, sizeof head,
                           "POST /judged HTTP/1.1\r\nHost: x\r\n"
                           "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                           cases[i].size);

        client_open(&c, f);
        client_send(&c, head, (size_t)len);
        feed(&c, cases[i].size);
        client_read(&c, NULL);
        assert_int_equal(cases[i].status,
                         c.got.data ? status_of(c.got.data) : 0);
        client_close(&c);
    }
}

/* HTTP/1.0 knows no interim answers (RFC 9110, 10.1.1). */
static void says_no_continue_to_old_clients(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_open(&c, f);
    client_send(&c, BYTES("POST / HTTP/1.0\r\nContent-Length: 4\r\n"
                          "Expect: 100-continue\r\n\r\n"));
    loop_timer_start(f->step, 20);
    fixture_run(f);
    client_send(&c, BYTES("body"));
    client_read(&c, NULL);
    assert_int_equal(1, count_of(c.got.data, "HTTP/1."));
    assert_has(c.got.data, "body=4:body\n");
    client_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(head_gets_what_get_gets),
        HTTP_TEST(answers_a_pipeline_in_its_order),
        HTTP_TEST(answers_a_pipeline_cut_anywhere),
        HTTP_TEST(a_pipeline_waits_for_a_late_answer),
        HTTP_TEST(keeps_or_closes_as_asked),
        HTTP_TEST(says_continue_to_who_waits_for_it),
        HTTP_TEST(says_no_to_who_waits),
        HTTP_TEST(judges_the_head_alone),
        HTTP_TEST(judges_the_head_of_a_huge_body),
        HTTP_TEST(says_no_continue_to_old_clients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
