/* Requests and their answers, now, later and over time. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/http_fixture.h"

static void answers_what_it_was_asked(void **state)
{
    char *answer =
        exchange(*state, "POST /a%20b?a=1%26+2&A=no&a HTTP/1.1\r\nHost: x\r\n"
                         "X-Test: one\r\nx-test:\r\nContent-Length: 5\r\n"
                         "Connection: close\r\n\r\nhello");

    assert_status(answer, 200);
    assert_has(answer, "POST /a b a=1& 2/2 x=one/2 body=5:hello\n");
    assert_has(answer, "X-Extra: yes\r\n");
    assert_has(answer, "Content-Type: text/plain\r\n");
    free(answer);
}

static void keeps_the_connection(void **state)
{
    struct client c;

    client_open(&c, *state);
    client_send(&c, BYTES("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"));
    client_read(&c, "GET /1 ");
    client_send(&c, BYTES("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
                          "GET /3 HTTP/1.1\r\nHost: x\r\n"
                          "Connection: close\r\n\r\n"));
    client_read(&c, NULL);
    assert_has(c.got.data, "GET /2 ");
    assert_has(c.got.data, "GET /3 ");
    client_close(&c);
}

static void absolute_form_names_the_same_path(void **state)
{
    char *answer = exchange(*state, "GET http://h:1/p?a=b HTTP/1.1\r\nHost: x"
                                    "\r\nConnection: close\r\n\r\n");

    assert_has(answer, "GET /p a=b/1 ");
    free(answer);
    answer = exchange(*state, "GET http://h?a=b HTTP/1.1\r\nHost: x"
                              "\r\nConnection: close\r\n\r\n");
    assert_has(answer, "GET / a=b/1 ");
    free(answer);
}

static void error_is_json(void **state)
{
    char *answer = exchange(*state, "GET /error HTTP/1.1\r\nHost: x\r\n"
                                    "Connection: close\r\n\r\n");

    assert_status(answer, 418);
    assert_has(answer, "Content-Type: application/json\r\n");
    assert_has(answer, "{\"error\":\"no \\\"tea\\\"\\n\\\\ "
                       "\xef\xbf\xbd\xc3\xa9\"}\n");
    free(answer);
}

static void sends_a_file(void **state)
{
    char *answer = exchange(*state, "GET /file HTTP/1.1\r\nHost: x\r\n"
                                    "Connection: close\r\n\r\n");

    assert_has(answer, "Content-Length: 11\r\n");
    assert_has(answer, "\r\n\r\nfrom a file");
    free(answer);
}

static void answers_without_a_body(void **state)
{
    char *answer = exchange(*state, "GET /empty HTTP/1.1\r\nHost: x\r\n"
                                    "Connection: close\r\n\r\n");

    assert_status(answer, 204);
    free(answer);
}

static void answers_later(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_hold(&c, f);
    assert_int_equal(1, http_server_in_flight(f->server));
    http_respond(f->held, 202, "text/plain", BYTES("at last"), NULL);
    client_read(&c, "at last");
    assert_status(c.got.data, 202);
    client_send(&c, BYTES("GET / HTTP/1.1\r\nHost: x\r\nConnection: close"
                          "\r\n\r\n"));
    client_read(&c, NULL);
    assert_has(c.got.data, "GET / a=-");
    assert_int_equal(0, http_server_in_flight(f->server));
    assert_int_equal(2, f->destroyed);
    client_close(&c);
}

static void survives_a_client_that_went_away(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_hold(&c, f);
    client_close(&c);
    http_respond(f->held, 200, "text/plain", BYTES("nobody there"), NULL);
    fixture_wait(f, &f->destroyed, 1);
    assert_int_equal(0, http_server_in_flight(f->server));
}

static void answers_many_held_requests(void **state)
{
    enum { COUNT = 50 };
    struct fixture *f = *state;
    struct http_request *held[COUNT];
    struct client clients[COUNT];

    for (int i = 0; i < COUNT; i++) {
        client_hold(&clients[i], f);
        held[i] = f->held;
    }
    assert_int_equal(COUNT, http_server_in_flight(f->server));
    for (int i = 0; i < COUNT; i++)
        http_respond(held[i], 200, NULL, BYTES("done"), NULL);
    for (int i = 0; i < COUNT; i++) {
        client_read(&clients[i], "done");
        client_close(&clients[i]);
    }
    fixture_wait(f, &f->destroyed, COUNT);
}

static void quiesces(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in to = { .sin_family = AF_INET };
    struct client c;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    client_hold(&c, f);
    http_server_quiesce(f->server);
    to.sin_port = htons(http_server_port(f->server));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(-1, connect(fd, (struct sockaddr *)&to, sizeof to));
    close(fd);
    http_respond(f->held, 200, NULL, BYTES("done"), NULL);
    client_read(&c, NULL);
    assert_has(c.got.data, "Connection: close\r\n");
    assert_has(c.got.data, "done");
    client_close(&c);
}

static void frees_what_is_in_flight(void **state)
{
    struct fixture *f = *state;
    struct client held, again, answered, half;

    client_hold(&answered, f);
    http_respond(f->held, 200, NULL, BYTES("done"), NULL);
    client_hold(&held, f);
    client_open(&half, f);
    client_send(&half, BYTES("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "
                             "9\r\n\r\nhalf"));
    client_hold(&again, f);
    http_server_free(f->server);
    f->server = NULL;
    assert_int_equal(3, f->destroyed);
    client_close(&held);
    client_close(&again);
    client_close(&answered);
    client_close(&half);
}

static void parses_listen_addresses(void **state)
{
    static const struct {
        const char *text;
        int result;
        bool loopback;
    } cases[] = {
        { "127.0.0.1:80", 0, true },
        { "127.9.9.9:0", 0, true },
        { "0.0.0.0:65535", 0, false },
        { "10.0.0.1:80", 0, false },
        { "localhost:80", 0, true },
        { "[::1]:80", 0, true },
        { "[::]:80", 0, false },
        { "[::ffff:127.0.0.1]:1", 0, true },
        { "", -1, false },
        { "80", -1, false },
        { ":80", -1, false },
        { "1.2.3.4", -1, false },
        { "1.2.3.4:", -1, false },
        { "1.2.3.4:65536", -1, false },
        { "1.2.3.4:+1", -1, false },
        { "1.2.3.4:1x", -1, false },
        { "[1.2.3.4]:1", -1, false },
        { "::1:80", -1, false },
        { "[::1]", -1, false },
        { "example.com:80", -1, false },
        { "1.2.3.4:000000080", -1, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sockaddr_storage address;
        socklen_t len = 0;
        bool loopback = false;
        char error[256] = "";
        int result = http_listen_parse(cases[i].text, &address, &len, &loopback,
                                       error, sizeof error);

        if (result != cases[i].result || loopback != cases[i].loopback)
            fail_msg("\"%s\": %d %d", cases[i].text, result, loopback);
        if (result != 0)
            assert_has(error, "could not read address \"");
    }
}

static void never_called(struct http_request *request, void *arg)
{
    (void)request;
    (void)arg;
    fail();
}

static void says_why_it_cannot_listen(void **state)
{
    struct fixture *f = *state;
    struct http_server_options options = { .handler = never_called };
    char listen[64];
    char error[256] = "";

    snprintf(listen, sizeof listen, "127.0.0.1:%u",
             http_server_port(f->server));
    options.listen = listen;
    assert_null(http_server_new(f->loop, &options, error, sizeof error));
    assert_has(error, "could not listen on 127.0.0.1:");
    assert_has(error, ": address already in use; ");
}

static void shares_a_port_when_asked(void **state)
{
    struct fixture *f = *state;
    struct http_server_options options = { .listen = "127.0.0.1:0",
                                           .reuse_port = true,
                                           .handler = never_called };
    struct http_server *first, *second;
    char listen[64];
    char error[256] = "";

    first = http_server_new(f->loop, &options, error, sizeof error);
    assert_non_null(first);
    snprintf(listen, sizeof listen, "127.0.0.1:%u", http_server_port(first));
    options.listen = listen;
    second = http_server_new(f->loop, &options, error, sizeof error);
    assert_non_null(second);
    http_server_free(first);
    http_server_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(answers_what_it_was_asked),
        HTTP_TEST(keeps_the_connection),
        HTTP_TEST(absolute_form_names_the_same_path),
        HTTP_TEST(error_is_json),
        HTTP_TEST(sends_a_file),
        HTTP_TEST(answers_without_a_body),
        HTTP_TEST(answers_later),
        HTTP_TEST(survives_a_client_that_went_away),
        HTTP_TEST(answers_many_held_requests),
        HTTP_TEST(quiesces),
        HTTP_TEST(frees_what_is_in_flight),
        HTTP_TEST(parses_listen_addresses),
        HTTP_TEST(says_why_it_cannot_listen),
        HTTP_TEST(shares_a_port_when_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
