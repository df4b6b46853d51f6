/* The server on a real loopback socket; server and client share one loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

static void assert_status(const char *answer, unsigned status)
{
    char line[32];

    snprintf(line, sizeof line, "HTTP/1.1 %u ", status);
    if (strncmp(answer, line, strlen(line)) != 0)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_what_it_was_asked, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
