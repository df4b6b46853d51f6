/* Requests that wait for their answer: for long, many at once, and longer than
 * their clients. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "common/ranges.h"
#include "tests/unit/http_fixture.h"

/* As when a process is killed: RST, not FIN. */
static void reset(struct client *c)
{
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };

    assert_int_equal(
        0, setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now));
    client_close(c);
}

static void hold_and_lose(struct fixture *f, const char *request)
{
    unsigned closed = f->events[HTTP_CONNECTION_CLOSED];
    struct client c;

    f->held = NULL;
    client_open(&c, f);
    client_send(&c, request, strlen(request));
    while (!f->held)
        fixture_run(f);
    reset(&c);
    fixture_wait(f, &f->events[HTTP_CONNECTION_CLOSED], closed + 1);
}

static void a_request_outlives_its_client(void **state)
{
    struct fixture *f = *state;
    char ip[ADDRESS_TEXT_SIZE];
    unsigned count = 0;
    size_t len = 0;

    hold_and_lose(f, "POST /later?a=1&b=%20 HTTP/1.1\r\nHost: x\r\n"
                     "X-Test: one\r\nx-test: two\r\nContent-Length: 4\r\n"
                     "\r\nbody");
    assert_int_equal(0, http_server_connections(f->server));
    assert_int_equal(1, http_server_in_flight(f->server));
    assert_string_equal("POST", http_method(f->held));
    assert_string_equal("/later", http_path(f->held));
    assert_string_equal(" ", http_query(f->held, "b"));
    assert_string_equal("one",
                        http_header_and_count(f->held, "X-TEST", &count));
    assert_int_equal(2, count);
    assert_null(http_header(f->held, "X-Other"));
    assert_string_equal("body", http_body(f->held, &len));
    address_format(http_peer(f->held), ip);
    assert_string_equal("127.0.0.1", ip);

    assert_int_equal(0, f->destroyed);
    http_respond(f->held, 200, "text/plain", BYTES("nobody there"), NULL);
    assert_string_equal("/later", http_path(f->held)); /* until the loop runs */
    fixture_wait(f, &f->destroyed, 1);
    assert_int_equal(0, http_server_in_flight(f->server));
}

static void the_server_goes_before_the_answer(void **state)
{
    struct fixture *f = *state;
    struct client c;

    hold_and_lose(f, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    client_hold(&c, f);
    http_server_free(f->server);
    f->server = NULL;
    assert_int_equal(2, f->destroyed);
    client_close(&c);
}

/* So long that the server sends the connection to sleep: the silent client's
 * time-out tells when. */
static void answers_after_a_long_wait(void **state)
{
    struct fixture *f = *state;
    struct client held, silent;

    fixture_serve(f, (struct http_server_options){ .head_timeout_s = 4 });
    client_open(&silent, f);
    client_hold(&held, f);
    fixture_wait(f, &f->events[HTTP_HEAD_TIMED_OUT], 1);
    client_send(&held, BYTES("GET /next HTTP/1.1\r\nHost: x\r\n\r\n"));
    http_respond(f->held, 200, NULL, BYTES("at last"), NULL);
    client_read(&held, "GET /next ");
    assert_has(held.got.data, "at lastHTTP/1.1 200 OK\r\n");
    client_close(&silent);
    client_close(&held);
}

/* More than the server keeps awake, so that some sleep; answered from the last
 * to the first. */
static void answers_hundreds_at_once(void **state)
{
    enum { COUNT = 400 };
    struct fixture *f = *state;
    static struct client clients[COUNT];
    static struct http_request *held[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        client_hold(&clients[i], f);
        held[i] = f->held;
    }
    assert_int_equal(COUNT, http_server_in_flight(f->server));
    for (size_t i = COUNT; i-- > 0;)
        http_respond(held[i], 200, NULL, BYTES("done"), NULL);
    for (size_t i = 0; i < COUNT; i++) {
        client_read(&clients[i], "done");
        client_close(&clients[i]);
    }
    fixture_wait(f, &f->events[HTTP_CONNECTION_CLOSED], COUNT);
    assert_int_equal(0, http_server_in_flight(f->server));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(a_request_outlives_its_client),
        HTTP_TEST(the_server_goes_before_the_answer),
        HTTP_TEST(answers_after_a_long_wait),
        HTTP_TEST(answers_hundreds_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
