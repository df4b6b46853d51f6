/* How long anybody may take, and how many connections they may have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/http_fixture.h"

enum { DRIP_MS = 50, DRIPS_MAX = 400 };

static const char *text_of(const struct client *c)
{
    return c->got.data ? c->got.data : "";
}

static void first_request(struct client *c, struct fixture *f)
{
    client_open(c, f);
    client_send(c, BYTES("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"));
    client_read(c, "GET /1 ");
    buf_clear(&c->got);
}

/* What a client sends at once; then it sends a byte now and then. */
static const struct {
    const char *text;
    bool kept;             /* a request went before on its connection */
    const char *complaint; /* NULL: it is closed without an answer */
    enum http_event event;
} slow[] = {
    { "", false, NULL, HTTP_HEAD_TIMED_OUT },
    { "GET /", false, NULL, HTTP_HEAD_TIMED_OUT },
    { "GET /", true, NULL, HTTP_CONNECTION_CLOSED },
    { "GET / HTTP/1.1\r\nX:", false, "head", HTTP_HEAD_TIMED_OUT },
    { "GET / HTTP/1.1\r\nX:", true, "head", HTTP_HEAD_TIMED_OUT },
    { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n", false,
      "body", HTTP_BODY_TIMED_OUT },
    { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n", true, "body",
      HTTP_BODY_TIMED_OUT },
    { "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e7\r\n",
      false, "body", HTTP_BODY_TIMED_OUT },
};

/* Sends byte by byte on all connections until the server has had enough of the
 * last. */
static void drip(struct fixture *f, struct client *clients, size_t count)
{
    size_t open = count;

    for (int i = 0; open > 0; i++) {
        if (i == DRIPS_MAX)
            fail_msg("%zu still open after %d bytes", open, i);
        open = 0;
        for (size_t k = 0; k < count; k++) {
            /* may fail: the server may just have closed it */
            if (!clients[k].eof)
                (void)!send(clients[k].fd, "x", 1, MSG_NOSIGNAL);
            open += !clients[k].eof;
        }
        loop_timer_start(f->step, DRIP_MS);
        fixture_run(f);
    }
}

/* But never whoever waits for us. */
static void drops_the_slow(void **state)
{
    struct fixture *f = *state;
    struct client clients[ARRAY_LEN(slow)], held;
    unsigned expected[HTTP_EVENT_COUNT] = { 0 };

    fixture_serve(f, (struct http_server_options){ .max_body_bytes = MAX_BODY,
                                                   .head_timeout_s = 1,
                                                   .body_timeout_s = 1,
                                                   .idle_timeout_s = 1 });
    for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
        if (slow[i].kept)
            first_request(&clients[i], f);
        else
            client_open(&clients[i], f);
        client_send(&clients[i], slow[i].text, strlen(slow[i].text));
        expected[slow[i].event]++;
    }
    client_hold(&held, f);
    f->handled = 0;
    drip(f, clients, ARRAY_LEN(slow));
    assert_int_equal(0, f->handled);
    assert_int_equal(expected[HTTP_HEAD_TIMED_OUT],
                     f->events[HTTP_HEAD_TIMED_OUT]);
    assert_int_equal(expected[HTTP_BODY_TIMED_OUT],
                     f->events[HTTP_BODY_TIMED_OUT]);
    for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
        const char *text = text_of(&clients[i]);
        char complaint[64];

        if (slow[i].complaint) {
            snprintf(complaint, sizeof complaint,
                     "\r\n\r\n{\"error\":\"request %s too slow\"}\n",
                     slow[i].complaint);
            assert_status(text, 408);
            assert_has(text, "Connection: close\r\n");
            assert_has(text, complaint);
        } else {
            assert_string_equal("", text);
        }
        client_close(&clients[i]);
    }
    http_respond(f->held, 200, NULL, BYTES("worth it"), NULL);
    client_read(&held, "worth it");
    client_close(&held);
}

/* Who was refused in the middle of a body cannot stay by sending the rest. */
static void drops_who_lingers_after_a_refusal(void **state)
{
    struct fixture *f = *state;
    struct client c;

    fixture_serve(f, (struct http_server_options){ .max_body_bytes = MAX_BODY,
                                                   .body_timeout_s = 1,
                                                   .idle_timeout_s = 1000 });
    client_open(&c, f);
    client_send(&c, BYTES("POST / HTTP/1.1\r\nHost: x\r\n"
                          "Content-Length: 1001\r\n\r\n"));
    client_read(&c, NULL); /* the server's half is closed, ours is not */
    assert_int_equal(0, f->events[HTTP_CONNECTION_CLOSED]);
    fixture_wait(f, &f->events[HTTP_CONNECTION_CLOSED], 1);
    assert_status(text_of(&c), 413);
    assert_int_equal(1, count_of(text_of(&c), "HTTP/1.1"));
    assert_int_equal(0, f->events[HTTP_BODY_TIMED_OUT]);
    client_close(&c);
}

static void closes_idle_connections(void **state)
{
    struct fixture *f = *state;
    struct client kept, half;

    fixture_serve(f, (struct http_server_options){ .max_body_bytes = MAX_BODY,
                                                   .head_timeout_s = 1000,
                                                   .body_timeout_s = 1000,
                                                   .idle_timeout_s = 1 });
    first_request(&kept, f);
    client_open(&half, f);
    client_send(&half, BYTES("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "
                             "9\r\n\r\nhalf"));
    client_read(&kept, NULL);
    client_read(&half, NULL);
    assert_int_equal(1, f->handled);
    assert_int_equal(2, f->events[HTTP_CONNECTION_CLOSED]);
    client_close(&kept);
    client_close(&half);
}

static void limits_the_number_of_connections(void **state)
{
    struct fixture *f = *state;
    struct client first, second;

    fixture_serve(f, (struct http_server_options){ .max_connections = 1 });
    client_hold(&first, f);
    client_open(&second, f);
    client_send(&second, BYTES("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"));
    http_respond(f->held, 200, NULL, BYTES("first"), NULL);
    client_read(&first, "first");
    client_send(&first, BYTES("GET /3 HTTP/1.1\r\nHost: x\r\n\r\n"));
    client_read(&first, "GET /3 ");
    assert_int_equal(2, f->handled);
    assert_int_equal(1, http_server_connections(f->server));
    client_close(&first);
    client_read(&second, "GET /2 ");
    client_close(&second);
}

static void idle_connections_make_room(void **state)
{
    struct fixture *f = *state;
    struct client idle, other;

    fixture_serve(f, (struct http_server_options){ .max_connections = 1,
                                                   .idle_timeout_s = 1000 });
    first_request(&idle, f);
    client_open(&other, f);
    client_send(&other, BYTES("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"));
    client_read(&other, "GET /2 ");
    client_read(&idle, NULL);
    assert_int_equal(0, idle.got.len);
    client_close(&idle);
    client_close(&other);
}

static bool is_served(struct client *c)
{
    /* may fail: a refused connection is closed at once */
    (void)!send(c->fd, BYTES("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"),
                MSG_NOSIGNAL);
    client_read(c, "GET /x ");
    return c->got.len > 0;
}

static void limits_the_connections_of_one_address(void **state)
{
    enum { LIMIT = 2 };
    struct fixture *f = *state;
    struct client mine[LIMIT + 1], other;

    fixture_serve(f, (struct http_server_options){ .max_per_address = LIMIT });
    for (int i = 0; i <= LIMIT; i++) {
        client_open_from(&mine[i], f, "127.0.0.2");
        assert_int_equal(i < LIMIT, is_served(&mine[i]));
    }
    client_open_from(&other, f, "127.0.0.3");
    assert_true(is_served(&other));
    assert_int_equal(1, f->events[HTTP_CONNECTION_REFUSED]);
    assert_int_equal(LIMIT + 1, f->events[HTTP_CONNECTION_OPENED]);
    assert_int_equal(LIMIT + 1, http_server_connections(f->server));

    client_close(&mine[LIMIT]);
    client_close(&mine[0]); /* makes room for one */
    fixture_wait(f, &f->events[HTTP_CONNECTION_CLOSED], 1);
    client_open_from(&mine[0], f, "127.0.0.2");
    client_open_from(&mine[LIMIT], f, "127.0.0.2");
    assert_true(is_served(&mine[0]));
    assert_false(is_served(&mine[LIMIT]));
    assert_int_equal(2, f->events[HTTP_CONNECTION_REFUSED]);
    for (int i = 0; i <= LIMIT; i++)
        client_close(&mine[i]);
    client_close(&other);
}

/* Also where an address becomes or ceases to be one meanwhile. */
static void proxies_may_have_any_number(void **state)
{
    enum { COUNT = 5 };
    struct fixture *f = *state;
    struct client c[COUNT], late;

    fixture_serve(f, (struct http_server_options){ .max_per_address = 1 });
    f->proxy = true;
    for (int i = 0; i < COUNT; i++) {
        client_open(&c[i], f);
        assert_true(is_served(&c[i]));
    }
    f->proxy = false;
    client_open(&late, f);
    assert_true(is_served(&late)); /* the first that counts */
    for (int i = 0; i < COUNT; i++)
        client_close(&c[i]);
    fixture_wait(f, &f->events[HTTP_CONNECTION_CLOSED], COUNT);
    client_open(&c[0], f);
    assert_false(is_served(&c[0]));
    f->proxy = true;
    client_close(&late);
    fixture_wait(f, &f->events[HTTP_CONNECTION_CLOSED], COUNT + 1);
    f->proxy = false;
    client_open(&c[1], f);
    assert_true(is_served(&c[1]));
    client_close(&c[0]);
    client_close(&c[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(drops_the_slow),
        HTTP_TEST(drops_who_lingers_after_a_refusal),
        HTTP_TEST(closes_idle_connections),
        HTTP_TEST(limits_the_number_of_connections),
        HTTP_TEST(idle_connections_make_room),
        HTTP_TEST(limits_the_connections_of_one_address),
        HTTP_TEST(proxies_may_have_any_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
