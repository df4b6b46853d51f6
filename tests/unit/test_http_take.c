#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/http_fixture.h"

static const char take[] = "GET /take HTTP/1.1\r\nHost: x\r\n\r\n";

static void hold(struct client *c, struct fixture *f)
{
    static const char text[] = "GET /take-later HTTP/1.1\r\nHost: x\r\n\r\n";

    f->held = NULL;
    client_open(c, f);
    client_send(c, BYTES(text));
    while (!f->held)
        fixture_run(f);
}

static void say(int fd, const char *text)
{
    assert_int_equal(strlen(text), send(fd, text, strlen(text), MSG_NOSIGNAL));
}

/* Both directions work, and the server has forgotten the connection. */
static void check_taken(struct fixture *f, struct client *c)
{
    char text[16] = "";

    fixture_wait(f, &f->destroyed, f->handled);
    fixture_wait(f, &f->events[HTTP_CONNECTION_CLOSED], f->handled);
    assert_int_equal(0, http_server_connections(f->server));
    assert_int_equal(0, http_server_in_flight(f->server));
    assert_true(fcntl(f->taken, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(f->taken, F_GETFD) & FD_CLOEXEC);
    assert_false(c->eof);
    say(f->taken, "hello");
    client_read(c, "hello");
    client_send(c, BYTES("well"));
    while (recv(f->taken, text, sizeof text, 0) < 0) {
        loop_timer_start(f->step, 1);
        fixture_run(f);
    }
    assert_string_equal("well", text);
    close(f->taken);
    client_read(c, NULL);
    assert_string_equal("hello", c->got.data); /* nothing of an answer */
    client_close(c);
}

static void a_socket_is_taken_at_once(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_open(&c, f);
    client_send(&c, BYTES(take));
    fixture_wait(f, &f->handled, 1);
    check_taken(f, &c);
}

static void a_socket_is_taken_later(void **state)
{
    struct fixture *f = *state;
    struct client c;

    hold(&c, f);
    f->taken = http_take(f->held);
    assert_true(f->taken >= 0);
    check_taken(f, &c);
}

static void it_may_have_served_before(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_open(&c, f);
    client_send(&c, BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    client_read(&c, "body=0:\n");
    buf_clear(&c.got);
    client_send(&c, BYTES(take));
    fixture_wait(f, &f->handled, 2);
    fixture_wait(f, &f->destroyed, 2);
    say(f->taken, "mine");
    client_read(&c, "mine");
    assert_int_equal(0, http_server_connections(f->server));
    close(f->taken);
    client_close(&c);
}

/* Many at once, while others are served: no descriptor is mixed up. */
static void others_are_served_meanwhile(void **state)
{
    enum { COUNT = 50 };
    struct fixture *f = *state;
    struct client takers[COUNT];
    int taken[COUNT];

    for (unsigned i = 0; i < COUNT; i++) {
        char *answer;

        client_open(&takers[i], f);
        client_send(&takers[i], BYTES(take));
        fixture_wait(f, &f->handled, 2 * i + 1);
        taken[i] = f->taken;
        answer = exchange(f, "GET / HTTP/1.1\r\nHost: x\r\n"
                             "Connection: close\r\n\r\n");
        assert_status(answer, 200);
        free(answer);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        char text[16];

        snprintf(text, sizeof text, "%u;", i);
        say(taken[i], text);
        client_read(&takers[i], ";");
        assert_string_equal(text, takers[i].got.data);
        close(taken[i]);
        client_close(&takers[i]);
    }
}

/* The other end has gone already: the new owner finds that out. */
static void the_client_may_be_gone(void **state)
{
    struct fixture *f = *state;
    struct client c;
    char byte;

    hold(&c, f);
    client_close(&c);
    f->taken = http_take(f->held);
    assert_true(f->taken >= 0);
    fixture_wait(f, &f->destroyed, 1);
    assert_int_equal(0, recv(f->taken, &byte, 1, 0));
    close(f->taken);
}

static void the_server_may_end_first(void **state)
{
    struct fixture *f = *state;
    struct client c;

    hold(&c, f);
    f->taken = http_take(f->held);
    http_server_free(f->server);
    f->server = NULL;
    assert_int_equal(1, f->destroyed);
    say(f->taken, "still here");
    client_read(&c, "still here");
    close(f->taken);
    client_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(a_socket_is_taken_at_once),
        HTTP_TEST(a_socket_is_taken_later),
        HTTP_TEST(it_may_have_served_before),
        HTTP_TEST(others_are_served_meanwhile),
        HTTP_TEST(the_client_may_be_gone),
        HTTP_TEST(the_server_may_end_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
