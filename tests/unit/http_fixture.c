#include "tests/unit/http_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"

enum { DEADLINE_MS = 20000 };

static void on_destroy(void *arg)
{
    struct fixture *f = arg;

    f->destroyed++;
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
    if (strcmp(path, "/later") == 0 || strcmp(path, "/take-later") == 0) {
        if (strcmp(path, "/take-later") == 0)
            http_will_take(r);
        f->held = r;
        loop_stop(f->loop);
    } else if (strcmp(path, "/take") == 0) {
        f->taken = http_take(r);
        assert_true(f->taken >= 0);
    } else if (strcmp(path, "/error") == 0) {
        http_respond_error(r, 418, "no \"%s\"\n\\ \xff\xc3\xa9", "tea");
    } else if (strcmp(path, "/file") == 0) {
        FILE *file = tmpfile();

        fputs("from a file", file);
        fflush(file);
        http_respond_file(r, 200, "text/plain", dup(fileno(file)), 0, 11, NULL);
        fclose(file);
    } else if (strcmp(path, "/empty") == 0) {
        http_respond(r, 204, NULL, NULL, 0, NULL);
    } else {
        echo(r);
    }
}

static void on_head(struct http_request *r, void *arg)
{
    struct fixture *f = arg;

    f->heads++;
    if (strcmp(http_path(r), "/judged") == 0)
        http_respond_error(r, 403, "not you");
}

static void on_deadline(void *arg)
{
    (void)arg;
    fail_msg("nothing happened for too long");
}

static void on_step(void *arg)
{
    struct fixture *f = arg;

    loop_stop(f->loop);
}

static bool is_proxy(const struct sockaddr *peer, void *arg)
{
    const struct fixture *f = arg;

    assert_int_equal(AF_INET, peer->sa_family);
    return f->proxy;
}

static void on_event(enum http_event event, const struct sockaddr *peer,
                     const char *why, void *arg)
{
    struct fixture *f = arg;

    (void)why;
    assert_int_equal(AF_INET, peer->sa_family);
    f->events[event]++;
}

void fixture_serve(struct fixture *f, struct http_server_options options)
{
    char error[256] = "";

    options.listen = "127.0.0.1:0";
    options.is_proxy = is_proxy;
    options.event = on_event;
    options.head = on_head;
    options.handler = handler;
    options.arg = f;
    http_server_free(f->server);
    memset(f->events, 0, sizeof f->events);
    f->server = http_server_new(f->loop, &options, error, sizeof error);
    assert_non_null(f->server);
}

int fixture_set_up(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);

    f->loop = loop_new();
    f->deadline = loop_timer_new(f->loop, on_deadline, f);
    f->step = loop_timer_new(f->loop, on_step, f);
    fixture_serve(f,
                  (struct http_server_options){ .max_body_bytes = MAX_BODY });
    *state = f;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *f = *state;

    http_server_free(f->server);
    loop_timer_free(f->step);
    loop_timer_free(f->deadline);
    loop_free(f->loop);
    free(f);
    return 0;
}

void fixture_run(struct fixture *f)
{
    loop_timer_start(f->deadline, DEADLINE_MS);
    loop_run(f->loop);
    loop_timer_stop(f->deadline);
}

void fixture_wait(struct fixture *f, const unsigned *counter, unsigned value)
{
    while (*counter != value) {
        loop_timer_start(f->step, 1);
        fixture_run(f);
    }
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

void client_open(struct client *c, struct fixture *f)
{
    client_open_from(c, f, "127.0.0.1");
}

void client_open_from(struct client *c, struct fixture *f, const char *address)
{
    struct sockaddr_in from = { .sin_family = AF_INET };
    struct sockaddr_in to = { .sin_family = AF_INET };

    *c = (struct client){ .f = f };
    buf_init(&c->got, 16 * 1024 * 1024);
    assert_int_equal(1, inet_pton(AF_INET, address, &from.sin_addr));
    to.sin_port = htons(http_server_port(f->server));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(c->fd >= 0);
    assert_int_equal(0, bind(c->fd, (struct sockaddr *)&from, sizeof from));
    assert_int_equal(0, connect(c->fd, (struct sockaddr *)&to, sizeof to));
    c->watch = loop_watch_new(f->loop, c->fd, LOOP_READ, on_client, c);
}

void client_close(struct client *c)
{
    loop_watch_free(c->watch);
    close(c->fd);
    buf_release(&c->got);
}

void client_send(struct client *c, const char *ptr, size_t len)
{
    assert_int_equal(len, send(c->fd, ptr, len, MSG_NOSIGNAL));
}

void client_read(struct client *c, const char *until)
{
    c->until = until;
    while (!c->eof && !(until && c->got.data && strstr(c->got.data, until)))
        fixture_run(c->f);
    c->until = NULL;
}

void client_hold(struct client *c, struct fixture *f)
{
    static const char text[] = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";

    f->held = NULL;
    client_open(c, f);
    client_send(c, BYTES(text));
    while (!f->held)
        fixture_run(f);
}

char *exchange_bytes(struct fixture *f, const char *ptr, size_t len)
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

char *exchange(struct fixture *f, const char *text)
{
    return exchange_bytes(f, text, strlen(text));
}

void assert_has(const char *answer, const char *part)
{
    if (!strstr(answer, part))
        fail_msg("\"%s\" is missing in:\n%s", part, answer);
}

unsigned count_of(const char *answer, const char *part)
{
    unsigned count = 0;

    while ((answer = strstr(answer, part))) {
        answer += strlen(part);
        count++;
    }
    return count;
}

unsigned status_of(const char *answer)
{
    static const char start[] = "HTTP/1.1 ";

    if (strncmp(answer, start, strlen(start)) != 0)
        return 0;
    return (unsigned)strtoul(answer + strlen(start), NULL, 10);
}

void assert_status(const char *answer, unsigned status)
{
    if (status_of(answer) != status)
        fail_msg("expected %u, got:\n%s", status, answer);
}
