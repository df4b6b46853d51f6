/* The server on a real loopback socket; server and client share one loop. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/http_server.h"
#include "common/limits.h"
#include "common/mem.h"
#include "tests/unit/unit.h"

#define BYTES(text) (text), sizeof(text) - 1

enum { MAX_BODY = 1000, DEADLINE_MS = 20000 };

struct fixture {
    struct loop *loop;
    struct loop_timer *deadline;
    struct http_server *server;
    struct http_request *held; /* answered later by the test */
    struct http_stream *stream;
    unsigned handled;
    unsigned destroyed;
    unsigned closed;
};

struct client {
    struct fixture *f;
    int fd;
    struct loop_watch *watch;
    struct buf got;
    bool eof;
    const char *until; /* stop the loop when this has arrived; NULL: at EOF */
};

static void on_destroy(void *arg)
{
    struct fixture *f = arg;

    f->destroyed++;
}

static void on_closed(void *arg)
{
    struct fixture *f = arg;

    f->closed++;
    f->stream = NULL;
    loop_stop(f->loop);
}

/* Tells what it saw, so that the tests can check it from outside. */
static void echo(struct http_request *r)
{
    char type[64];
    size_t len = 0;
    const char *body = http_body(r, &len);
    const char *a = http_query(r, "a");
    const char *header = http_header(r, "x-test");
    struct buf out;

    buf_init(&out, 100000);
    snprintf(type, sizeof type, "text/plain");
    assert_int_equal(0,
                     buf_printf(&out, "%s %s a=%s/%u x=%s/%u body=%zu:%.20s\n",
                                http_method(r), http_path(r), a ? a : "-",
                                http_query_count(r, "a"), header ? header : "-",
                                http_header_count(r, "X-TEST"), len, body));
    http_respond(r, 200, type, out.data, out.len,
                 (const struct http_field[]){ { "X-Extra", "yes" }, { 0 } });
    buf_release(&out);
}

static void handler(struct http_request *r, void *arg)
{
    struct fixture *f = arg;
    const char *path = http_path(r);

    f->handled++;
    http_set_context(r, f, on_destroy);
    assert_ptr_equal(f, http_context(r));
    assert_int_equal(AF_INET, http_peer(r)->sa_family);
    assert_true(http_received_us(r) > 0);
    if (strcmp(path, "/later") == 0) {
        f->held = r;
        loop_stop(f->loop);
    } else if (strcmp(path, "/stream") == 0) {
        f->stream =
            http_stream_begin(r, 200, "text/event-stream",
                              (const struct http_field[]){
                                  { "Cache-Control", "no-store" }, { 0 } },
                              on_closed, f);
    } else if (strcmp(path, "/error") == 0) {
        http_respond_error(r, 418, "no \"%s\"\n\\ \xff\xc3\xa9", "tea");
    } else if (strcmp(path, "/file") == 0) {
        FILE *file = tmpfile();

        fputs("from a file", file);
        fflush(file);
        http_respond_file(r, 200, "text/plain", dup(fileno(file)), 11, NULL);
        fclose(file);
    } else if (strcmp(path, "/empty") == 0) {
        http_respond(r, 204, NULL, NULL, 0, NULL);
    } else {
        echo(r);
    }
}

static void on_deadline(void *arg)
{
    (void)arg;
    fail_msg("nothing happened for too long");
}

static int set_up(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    struct http_server_options options = {
        .listen = "127.0.0.1:0",
        .max_body_bytes = MAX_BODY,
        .handler = handler,
        .arg = f,
    };
    char error[256] = "";

    f->loop = loop_new();
    f->server = http_server_new(f->loop, &options, error, sizeof error);
    assert_non_null(f->server);
    f->deadline = loop_timer_new(f->loop, on_deadline, f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    http_server_free(f->server);
    loop_timer_free(f->deadline);
    loop_free(f->loop);
    free(f);
    return 0;
}

static void run(struct fixture *f)
{
    loop_timer_start(f->deadline, DEADLINE_MS);
    loop_run(f->loop);
    loop_timer_stop(f->deadline);
}

static void on_client(int ready, void *arg)
{
    struct client *c = arg;
    char chunk[65536];
    ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);

    (void)ready;
    if (n > 0)
        assert_int_equal(0, buf_append(&c->got, chunk, (size_t)n));
    else
        c->eof = true;
    if (c->eof)
        loop_watch_set(c->watch, 0);
    if (c->eof || (c->until && c->got.data && strstr(c->got.data, c->until)))
        loop_stop(c->f->loop);
}

static void client_open(struct client *c, struct fixture *f)
{
    struct sockaddr_in to = { .sin_family = AF_INET };

    *c = (struct client){ .f = f };
    buf_init(&c->got, 16 * 1024 * 1024);
    to.sin_port = htons(http_server_port(f->server));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(c->fd >= 0);
    assert_int_equal(0, connect(c->fd, (struct sockaddr *)&to, sizeof to));
    c->watch = loop_watch_new(f->loop, c->fd, LOOP_READ, on_client, c);
}

static void client_close(struct client *c)
{
    loop_watch_free(c->watch);
    close(c->fd);
    buf_release(&c->got);
}

static void client_send(struct client *c, const char *ptr, size_t len)
{
    assert_int_equal(len, send(c->fd, ptr, len, MSG_NOSIGNAL));
}

static void client_read(struct client *c, const char *until)
{
    c->until = until;
    while (!c->eof && !(until && c->got.data && strstr(c->got.data, until)))
        run(c->f);
    c->until = NULL;
}

/* Sends bytes, reads until the server closes; the caller frees the answer. */
static char *exchange_bytes(struct fixture *f, const char *ptr, size_t len)
{
    struct client c;
    char *answer;

    client_open(&c, f);
    client_send(&c, ptr, len);
    client_read(&c, NULL);
    answer = buf_detach(&c.got, NULL);
    client_close(&c);
    return answer;
}

static char *exchange(struct fixture *f, const char *text)
{
    return exchange_bytes(f, text, strlen(text));
}

static void assert_has(const char *answer, const char *part)
{
    if (!strstr(answer, part))
        fail_msg("\"%s\" is missing in:\n%s", part, answer);
}

/* 0: no answer. */
static unsigned status_of(const char *answer)
{
    static const char start[] = "HTTP/1.1 ";

    if (strncmp(answer, start, strlen(start)) != 0)
        return 0;
    return (unsigned)strtoul(answer + strlen(start), NULL, 10);
}

static void assert_status(const char *answer, unsigned status)
{
    if (status_of(answer) != status)
        fail_msg("expected %u, got:\n%s", status, answer);
}

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

static void head_gets_no_body(void **state)
{
    char *answer = exchange(*state, "HEAD /x HTTP/1.1\r\nHost: x\r\n"
                                    "Connection: close\r\n\r\n");

    assert_status(answer, 200);
    assert_string_equal("\r\n\r\n", strstr(answer, "\r\n\r\n"));
    free(answer);
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

static void limits_the_head(void **state)
{
    static const char rest[] = "GET / HTTP/1.1\r\nHost: x\r\n"
                               "Connection: close\r\nX: \r\n\r\n";

    for (int extra = -1; extra <= 1; extra++) {
        size_t padding =
            (size_t)(LIMIT_HTTP_HEAD_BYTES + extra) - (sizeof rest - 1);
        char *answer;
        char *request;
        char *x = mem_alloc(padding + 1);

        memset(x, 'x', padding);
        x[padding] = '\0';
        request = mem_format("GET / HTTP/1.1\r\nHost: x\r\n"
                             "Connection: close\r\nX: %s\r\n\r\n",
                             x);
        answer = exchange(*state, request);
        assert_status(answer, extra <= 0 ? 200 : 431);
        free(answer);
        free(request);
        free(x);
    }
}

static void limits_the_number_of_headers(void **state)
{
    for (int count = LIMIT_HTTP_HEADERS - 1; count <= LIMIT_HTTP_HEADERS + 1;
         count++) {
        struct buf request;
        char *answer;

        buf_init(&request, LIMIT_HTTP_HEAD_BYTES);
        assert_int_equal(0, buf_append_str(&request, "GET / HTTP/1.1\r\n"
                                                     "Host: x\r\n"
                                                     "Connection: close\r\n"));
        for (int i = 2; i < count; i++)
            assert_int_equal(0, buf_append_str(&request, "X:\r\n"));
        assert_int_equal(0, buf_append_str(&request, "\r\n"));
        answer = exchange(*state, request.data);
        assert_status(answer, count <= LIMIT_HTTP_HEADERS ? 200 : 431);
        free(answer);
        buf_release(&request);
    }
}

/* The whole head and 100 headers at once must fit the connection's memory. */
static void takes_the_largest_head_with_a_body(void **state)
{
    struct buf request;
    char *answer;

    buf_init(&request, LIMIT_HTTP_HEAD_BYTES + 100);
    assert_int_equal(0, buf_append_str(&request, "POST / HTTP/1.1\r\nHost: x"
                                                 "\r\nConnection: close\r\n"
                                                 "Content-Length: 4\r\n"));
    for (int i = 3; i < LIMIT_HTTP_HEADERS; i++)
        assert_int_equal(0, buf_printf(&request, "X: %0150d\r\n", i));
    while (request.len < LIMIT_HTTP_HEAD_BYTES - 2) {
        request.data[request.len - 2] = 'x';
        request.data[request.len - 1] = '\r';
        assert_int_equal(0, buf_append_str(&request, "\n"));
    }
    assert_int_equal(0, buf_append_str(&request, "\r\nbody"));
    answer = exchange(*state, request.data);
    assert_status(answer, 200);
    assert_has(answer, "body=4:body");
    free(answer);
    buf_release(&request);
}

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

static void hold(struct fixture *f, struct client *c)
{
    static const char text[] = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";

    f->held = NULL;
    client_open(c, f);
    client_send(c, BYTES(text));
    while (!f->held)
        run(f);
}

static void answers_later(void **state)
{
    struct fixture *f = *state;
    struct client c;

    hold(f, &c);
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

static void on_tick(void *arg)
{
    struct fixture *f = arg;

    loop_stop(f->loop);
}

/* Runs the loop until the counter has the value. */
static void wait_for(struct fixture *f, const unsigned *counter, unsigned value)
{
    struct loop_timer *tick = loop_timer_new(f->loop, on_tick, f);

    while (*counter != value) {
        loop_timer_start(tick, 1);
        run(f);
    }
    loop_timer_free(tick);
}

static void survives_a_client_that_went_away(void **state)
{
    struct fixture *f = *state;
    struct client c;

    hold(f, &c);
    client_close(&c);
    http_respond(f->held, 200, "text/plain", BYTES("nobody there"), NULL);
    wait_for(f, &f->destroyed, 1);
    assert_int_equal(0, http_server_in_flight(f->server));
}

static void answers_many_held_requests(void **state)
{
    enum { COUNT = 50 };
    struct fixture *f = *state;
    struct http_request *held[COUNT];
    struct client clients[COUNT];

    for (int i = 0; i < COUNT; i++) {
        hold(f, &clients[i]);
        held[i] = f->held;
    }
    assert_int_equal(COUNT, http_server_in_flight(f->server));
    for (int i = 0; i < COUNT; i++)
        http_respond(held[i], 200, NULL, BYTES("done"), NULL);
    for (int i = 0; i < COUNT; i++) {
        client_read(&clients[i], "done");
        client_close(&clients[i]);
    }
    wait_for(f, &f->destroyed, COUNT);
}

static void quiesces(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in to = { .sin_family = AF_INET };
    struct client c;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    hold(f, &c);
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
    struct client held, again, answered, streaming, half;

    hold(f, &answered);
    http_respond(f->held, 200, NULL, BYTES("done"), NULL);
    hold(f, &held);
    client_open(&streaming, f);
    client_send(&streaming, BYTES("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"));
    client_read(&streaming, "\r\n\r\n");
    client_open(&half, f);
    client_send(&half, BYTES("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "
                             "9\r\n\r\nhalf"));
    hold(f, &again);
    http_server_free(f->server);
    f->server = NULL;
    assert_int_equal(4, f->destroyed);
    assert_int_equal(1, f->closed);
    client_close(&held);
    client_close(&again);
    client_close(&answered);
    client_close(&streaming);
    client_close(&half);
}

static void open_stream(struct fixture *f, struct client *c)
{
    client_open(c, f);
    client_send(c, BYTES("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"));
    client_read(c, "\r\n\r\n");
    assert_non_null(f->stream);
}

static void streams(void **state)
{
    struct fixture *f = *state;
    struct client c;

    open_stream(f, &c);
    assert_status(c.got.data, 200);
    assert_has(c.got.data, "Content-Type: text/event-stream\r\n");
    assert_has(c.got.data, "Cache-Control: no-store\r\n");
    for (int i = 0; i < 3; i++) {
        char event[32];

        snprintf(event, sizeof event, "data: %d\n\n", i);
        assert_int_equal(0, http_stream_write(f->stream, event, strlen(event)));
        client_read(&c, event);
    }
    assert_int_equal(0, f->closed);
    assert_int_equal(0, http_stream_write(f->stream, BYTES("last words")));
    http_stream_end(f->stream);
    assert_int_equal(0, f->closed);
    wait_for(f, &f->closed, 1);
    client_read(&c, "\r\n0\r\n\r\n");
    assert_has(c.got.data, "last words");
    assert_int_equal(1, f->destroyed);
    client_close(&c);
}

static void stream_to_a_client_that_went_away(void **state)
{
    struct fixture *f = *state;
    struct loop_timer *tick = loop_timer_new(f->loop, on_tick, f);
    struct client c;

    open_stream(f, &c);
    client_close(&c);
    while (f->closed == 0) {
        assert_int_equal(0, http_stream_write(f->stream, BYTES("beat\n")));
        assert_int_equal(0, f->closed); /* never from inside the write */
        loop_timer_start(tick, 1);
        run(f);
    }
    assert_int_equal(1, f->closed);
    assert_int_equal(1, f->destroyed);
    loop_timer_free(tick);
}

static void stream_to_a_client_that_does_not_read(void **state)
{
    struct fixture *f = *state;
    struct loop_timer *tick = loop_timer_new(f->loop, on_tick, f);
    struct client c;
    char block[8192];
    int slow = 0;

    memset(block, 's', sizeof block);
    open_stream(f, &c);
    loop_watch_set(c.watch, 0);
    while (slow == 0) {
        slow = http_stream_write(f->stream, block, sizeof block);
        loop_timer_start(tick, 0);
        run(f);
    }
    http_stream_end(f->stream);
    loop_watch_set(c.watch, LOOP_READ);
    wait_for(f, &f->closed, 1);
    assert_int_equal(1, f->closed);
    loop_timer_free(tick);
    client_close(&c);
}

static void stream_for_head_ends_at_once(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_open(&c, f);
    client_send(&c, BYTES("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n"));
    wait_for(f, &f->closed, 1);
    client_close(&c);
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

static void says_why_it_cannot_listen(void **state)
{
    struct fixture *f = *state;
    struct http_server_options options = { .handler = handler, .arg = f };
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
                                           .handler = handler,
                                           .arg = f };
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

static void replace_server(struct fixture *f, unsigned idle_timeout_s,
                           unsigned max_connections)
{
    struct http_server_options options = { .listen = "127.0.0.1:0",
                                           .max_body_bytes = MAX_BODY,
                                           .idle_timeout_s = idle_timeout_s,
                                           .max_connections = max_connections,
                                           .handler = handler,
                                           .arg = f };
    char error[256] = "";

    http_server_free(f->server);
    f->server = http_server_new(f->loop, &options, error, sizeof error);
    assert_non_null(f->server);
}

static void closes_idle_connections(void **state)
{
    struct fixture *f = *state;
    struct client quiet, half, held;

    replace_server(f, 1, 0);
    client_open(&quiet, f);
    client_open(&half, f);
    client_send(&half, BYTES("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "
                             "9\r\n\r\nhalf"));
    hold(f, &held);
    client_read(&quiet, NULL);
    client_read(&half, NULL);
    assert_int_equal(1, f->handled);
    /* Whoever waits for us is not idle. */
    http_respond(f->held, 200, NULL, BYTES("worth it"), NULL);
    client_read(&held, "worth it");
    client_close(&quiet);
    client_close(&half);
    client_close(&held);
}

static void limits_the_number_of_connections(void **state)
{
    struct fixture *f = *state;
    struct client first, second;

    replace_server(f, 0, 1);
    client_open(&first, f);
    client_send(&first, BYTES("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"));
    client_read(&first, "GET /1 ");
    client_open(&second, f);
    client_send(&second, BYTES("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"));
    client_send(&first, BYTES("GET /3 HTTP/1.1\r\nHost: x\r\n\r\n"));
    client_read(&first, "GET /3 ");
    assert_int_equal(2, f->handled);
    client_close(&first);
    client_read(&second, "GET /2 ");
    client_close(&second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_what_it_was_asked),
        TEST(keeps_the_connection),
        TEST(head_gets_no_body),
        TEST(absolute_form_names_the_same_path),
        TEST(error_is_json),
        TEST(sends_a_file),
        TEST(answers_without_a_body),
        TEST(limits_the_declared_body),
        TEST(refuses_before_the_body_comes),
        TEST(limits_the_chunked_body),
        TEST(limits_the_head),
        TEST(limits_the_number_of_headers),
        TEST(takes_the_largest_head_with_a_body),
        TEST(refuses_what_others_may_read_differently),
        TEST(accepts_unusual_but_valid_requests),
        TEST(nothing_follows_a_chunked_body),
        TEST(answers_later),
        TEST(survives_a_client_that_went_away),
        TEST(answers_many_held_requests),
        TEST(quiesces),
        TEST(frees_what_is_in_flight),
        TEST(streams),
        TEST(stream_to_a_client_that_went_away),
        TEST(stream_to_a_client_that_does_not_read),
        TEST(stream_for_head_ends_at_once),
        TEST(parses_listen_addresses),
        TEST(says_why_it_cannot_listen),
        TEST(shares_a_port_when_asked),
        TEST(closes_idle_connections),
        TEST(limits_the_number_of_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
