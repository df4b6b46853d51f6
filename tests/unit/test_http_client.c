/* The client against our own server, both in one loop. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/http_client.h"
#include "common/http_server.h"
#include "common/mem.h"
#include "tests/unit/unit.h"

enum { DEADLINE_MS = 20000, ANSWER_BYTES = 1000 };

struct fixture {
    struct loop *loop;
    struct loop_timer *deadline;
    struct http_server *server;
    struct http_server *other; /* another origin */
    struct guard guard;        /* allows both servers' ports */
    struct guard strict;
    struct http_client *client;
    struct http_client *strict_client;
    unsigned peer_port;  /* of the last request that came */
    unsigned with_key;   /* requests that carried the secret */
    unsigned other_seen; /* requests that reached the other origin */
};

/* What became of one call. */
struct result {
    struct fixture *f;
    unsigned calls;
    enum http_failure failure;
    unsigned status;
    char *body;
    size_t body_len;
    char type[64];
    char error[256];
    int64_t retry_after_ms;
    struct http_call *cancel; /* by the callback */
};

/* An answer of one chunk on a socket that is ours. */
static void send_chunk(int fd, const char *body, size_t len)
{
    assert_true(fd >= 0);
    dprintf(fd,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            "Transfer-Encoding: chunked\r\n\r\n%zx\r\n%.*s\r\n0\r\n\r\n",
            len, (int)len, body);
    close(fd);
}

static void respond_sized(struct http_request *r, bool chunked)
{
    size_t len = strtoul(http_query(r, "n"), NULL, 10);
    char *body = mem_alloc(len + 1);

    memset(body, 'z', len);
    if (chunked)
        send_chunk(http_take(r), body, len);
    else
        http_respond(r, 200, "text/plain", body, len, NULL);
    free(body);
}

static void handler(struct http_request *r, void *arg)
{
    struct fixture *f = arg;
    const char *path = http_path(r);
    struct sockaddr_in peer;
    const char *status = http_query(r, "status");

    memcpy(&peer, http_peer(r), sizeof peer);
    f->peer_port = ntohs(peer.sin_port);
    f->with_key += http_header_count(r, "X-Api-Key");
    if (strcmp(path, "/never") == 0) {
        return; /* http_server_free() ends it */
    } else if (strcmp(path, "/sized") == 0) {
        respond_sized(r, false);
    } else if (strcmp(path, "/chunked") == 0) {
        respond_sized(r, true);
    } else if (strcmp(path, "/redirect") == 0) {
        http_respond(r, (unsigned)(status ? atol(status) : 302), NULL, "moved",
                     5,
                     (const struct http_field[]){
                         { "Location", http_query(r, "to") }, { 0 } });
    } else if (strcmp(path, "/patience") == 0) {
        http_respond(r, 503, "text/plain", NULL, 0,
                     (const struct http_field[]){
                         { "Retry-After", http_query(r, "in") }, { 0 } });
    } else {
        size_t len = 0;
        const char *body = http_body(r, &len);
        char *text = mem_format(
            "%s %s %zu:%s %s", http_method(r), path, len, body,
            http_header(r, "X-Api-Key") ? http_header(r, "X-Api-Key") : "-");

        http_respond(r, 200, "text/x-echo", text, strlen(text), NULL);
        free(text);
    }
}

static void other_handler(struct http_request *r, void *arg)
{
    struct fixture *f = arg;

    f->other_seen++;
    handler(r, arg);
}

static void on_deadline(void *arg)
{
    (void)arg;
    fail_msg("nothing happened for too long");
}

static struct http_server *serve(struct fixture *f, http_handler *fn)
{
    struct http_server_options options = { .listen = "127.0.0.1:0",
                                           .max_body_bytes = 100000,
                                           .handler = fn,
                                           .arg = f };
    char error[256] = "";
    struct http_server *s =
        http_server_new(f->loop, &options, error, sizeof error);

    assert_non_null(s);
    return s;
}

static int set_up(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    char error[256];
    char allow[128];

    f->loop = loop_new();
    f->deadline = loop_timer_new(f->loop, on_deadline, f);
    f->server = serve(f, handler);
    f->other = serve(f, other_handler);
    snprintf(allow, sizeof allow, "127.0.0.1:%u, 127.0.0.1:%u",
             http_server_port(f->server), http_server_port(f->other));
    assert_int_equal(0, guard_init(&f->guard, allow, error, sizeof error));
    assert_int_equal(0, guard_init(&f->strict, "", error, sizeof error));
    f->client = http_client_new(f->loop, &f->guard);
    f->strict_client = http_client_new(f->loop, &f->strict);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    http_client_free(f->client);
    http_client_free(f->strict_client);
    http_server_free(f->server);
    http_server_free(f->other);
    guard_release(&f->guard);
    guard_release(&f->strict);
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

static void on_answer(const struct http_answer *answer, void *arg)
{
    struct result *r = arg;

    r->calls++;
    r->failure = answer->failure;
    r->status = answer->status;
    free(r->body);
    r->body = mem_dup(answer->body, answer->body_len);
    r->body_len = answer->body_len;
    r->retry_after_ms = answer->retry_after_ms;
    snprintf(r->type, sizeof r->type, "%s", answer->content_type);
    snprintf(r->error, sizeof r->error, "%s", answer->error);
    assert_true(answer->elapsed_us >= 0);
    if (r->cancel)
        http_call_cancel(r->cancel);
    loop_stop(r->f->loop);
}

static char *url_of(const struct http_server *s, const char *rest)
{
    return mem_format("http://127.0.0.1:%u%s", http_server_port(s), rest);
}

/* One call from start to end; the caller releases r->body. */
static void fetch(struct fixture *f, struct result *r, struct http_client *c,
                  const struct http_call_options *options)
{
    *r = (struct result){ .f = f };
    http_client_start(c, options, on_answer, r);
    assert_int_equal(0, r->calls); /* never from inside the start */
    while (r->calls == 0)
        run(f);
    assert_int_equal(1, r->calls);
    assert_int_equal(r->failure == HTTP_OK, r->error[0] == '\0');
    assert_int_equal(r->failure == HTTP_OK, r->status != 0);
}

static struct http_call_options get(const char *url)
{
    return (struct http_call_options){ .method = "GET",
                                       .url = url,
                                       .max_bytes = ANSWER_BYTES,
                                       .timeout_ms = 10000 };
}

static void fetch_path(struct fixture *f, struct result *r, const char *path)
{
    char *url = url_of(f->server, path);
    struct http_call_options options = get(url);

    fetch(f, r, f->client, &options);
    free(url);
}

static void gets(void **state)
{
    struct result r;

    fetch_path(*state, &r, "/hello");
    assert_int_equal(HTTP_OK, r.failure);
    assert_int_equal(200, r.status);
    assert_string_equal("GET /hello 0: -", r.body);
    assert_string_equal("text/x-echo", r.type);
    assert_int_equal(-1, r.retry_after_ms);
    free(r.body);
}

static void sends_method_headers_and_body(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = { "X-Api-Key: k1", NULL };
    char *url = url_of(f->server, "/x");
    struct http_call_options options = get(url);
    struct result r;

    options.method = "POST";
    options.headers = headers;
    options.body = "ab\0c";
    options.body_len = 4;
    fetch(f, &r, f->client, &options);
    assert_string_equal("POST /x 4:ab k1", r.body);
    free(r.body);

    options.body = NULL;
    fetch(f, &r, f->client, &options);
    assert_string_equal("POST /x 0: k1", r.body);
    free(r.body);

    options.method = "DELETE";
    fetch(f, &r, f->client, &options);
    assert_string_equal("DELETE /x 0: k1", r.body);
    free(r.body);

    options.method = "HEAD";
    fetch(f, &r, f->client, &options);
    assert_int_equal(200, r.status);
    assert_int_equal(0, r.body_len);
    free(r.body);
    free(url);
}

static void reuses_connections(void **state)
{
    struct fixture *f = *state;
    struct result r;
    unsigned port;

    fetch_path(f, &r, "/1");
    free(r.body);
    port = f->peer_port;
    fetch_path(f, &r, "/2");
    free(r.body);
    assert_int_equal(port, f->peer_port);
}

static void limits_the_answer(void **state)
{
    static const char *const paths[] = { "sized", "chunked" };

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        for (int n = ANSWER_BYTES - 1; n <= ANSWER_BYTES + 1; n++) {
            char *path = mem_format("/%s?n=%d", paths[i], n);
            struct result r;

            fetch_path(*state, &r, path);
            if (n <= ANSWER_BYTES) {
                assert_int_equal(HTTP_OK, r.failure);
                assert_int_equal(n, r.body_len);
            } else {
                assert_int_equal(HTTP_TOO_LARGE, r.failure);
                assert_string_equal("answer larger than 1000 bytes", r.error);
            }
            free(r.body);
            free(path);
        }
    }
}

static void times_out(void **state)
{
    struct fixture *f = *state;
    char *url = url_of(f->server, "/never");
    struct http_call_options options = get(url);
    struct result r;

    options.timeout_ms = 50;
    fetch(f, &r, f->client, &options);
    assert_int_equal(HTTP_TIMED_OUT, r.failure);
    free(r.body);
    free(url);
}

static void refuses_bad_urls(void **state)
{
    struct fixture *f = *state;
    static const char *const urls[] = {
        "",
        "nonsense:",
        "http://",
        "/path",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://x",
        "http://a b/",
        "http://x:99999/",
        "dict://127.0.0.1:1/",
    };

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct http_call_options options = get(urls[i]);
        struct result r;

        fetch(f, &r, f->client, &options);
        if (r.failure != HTTP_BAD_URL)
            fail_msg("\"%s\": %s, %s", urls[i], http_failure_name(r.failure),
                     r.error);
        free(r.body);
    }
}

static void refuses_line_breaks_in_headers(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = { "X: a\r\nY: b", NULL };
    char *url = url_of(f->server, "/");
    struct http_call_options options = get(url);
    struct result r;

    options.headers = headers;
    fetch(f, &r, f->client, &options);
    assert_int_equal(HTTP_BAD_URL, r.failure);
    assert_string_equal("line break in a header", r.error);
    free(r.body);
    free(url);
}

static void says_unresolved_and_unreachable(void **state)
{
    struct fixture *f = *state;
    /* A label of 64 bytes cannot be resolved, with or without a network. */
    struct http_call_options options = get(
        "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaa.invalid/");
    struct result r;
    char *url;

    fetch(f, &r, f->client, &options);
    assert_int_equal(HTTP_UNRESOLVED, r.failure);
    free(r.body);

    url = url_of(f->other, "/");
    http_server_free(f->other);
    f->other = NULL;
    options = get(url);
    fetch(f, &r, f->client, &options);
    assert_int_equal(HTTP_UNREACHABLE, r.failure);
    free(r.body);
    free(url);
}

static void blocks_by_address(void **state)
{
    struct fixture *f = *state;
    static const char *const hosts[] = { "127.0.0.1",  "localhost",
                                         "2130706433", "0x7f.1",
                                         "[::1]",      "[::ffff:127.0.0.1]",
                                         "0.0.0.0",    "169.254.169.254" };

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        char *url =
            mem_format("http://%s:%u/", hosts[i], http_server_port(f->server));
        struct http_call_options options = get(url);
        struct result r;

        options.guarded = true;
        fetch(f, &r, f->strict_client, &options);
        if (r.failure != HTTP_BLOCKED)
            fail_msg("\"%s\": %s, %s", url, http_failure_name(r.failure),
                     r.error);
        free(r.body);
        free(url);
    }
    assert_int_equal(0, f->peer_port);
}

static void allows_what_the_settings_name(void **state)
{
    struct fixture *f = *state;
    char *url = url_of(f->server, "/ok");
    struct http_call_options options = get(url);
    struct result r;

    options.guarded = true;
    fetch(f, &r, f->client, &options);
    assert_int_equal(HTTP_OK, r.failure);
    free(r.body);
    free(url);
}

static void does_not_ride_on_unguarded_connections(void **state)
{
    struct fixture *f = *state;
    char *url = url_of(f->server, "/ok");
    struct http_call_options options = get(url);
    struct result r;

    fetch(f, &r, f->strict_client, &options);
    assert_int_equal(HTTP_OK, r.failure);
    free(r.body);
    options.guarded = true;
    fetch(f, &r, f->strict_client, &options);
    assert_int_equal(HTTP_BLOCKED, r.failure);
    assert_string_equal("address 127.0.0.1 is not public", r.error);
    free(r.body);
    free(url);
}

static void ignores_proxies_of_the_environment(void **state)
{
    struct result r;

    setenv("http_proxy", "http://127.0.0.1:9", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
    fetch_path(*state, &r, "/direct");
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    assert_int_equal(HTTP_OK, r.failure);
    free(r.body);
}

/* Asks for /redirect?to=`to`&status=`status`. */
static void redirect(struct fixture *f, struct result *r,
                     struct http_client *client, const char *to,
                     unsigned status, struct http_call_options options)
{
    char *path = mem_format("/redirect?status=%u&to=%s", status, to);
    char *url = url_of(f->server, path);

    options.url = url;
    fetch(f, r, client, &options);
    free(url);
    free(path);
}

static void a_redirect_is_an_answer(void **state)
{
    struct fixture *f = *state;
    struct result r;

    redirect(f, &r, f->client, "/there", 302, get(NULL));
    assert_int_equal(302, r.status);
    assert_string_equal("moved", r.body);
    free(r.body);
}

static void follows_within_the_limit(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = get(NULL);
    struct result r;

    options.max_redirects = 1;
    redirect(f, &r, f->client, "/there", 302, options);
    assert_int_equal(200, r.status);
    assert_string_equal("GET /there 0: -", r.body);
    free(r.body);
    redirect(f, &r, f->client, "/redirect?to=/x", 302, options);
    assert_int_equal(HTTP_UNREACHABLE, r.failure);
    assert_string_equal("too many redirects", r.error);
    free(r.body);
    options.max_redirects = 2;
    redirect(f, &r, f->client, "/redirect?to=/x", 302, options);
    assert_string_equal("GET /x 0: -", r.body);
    free(r.body);
}

static void redirects_only_to_http(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = get(NULL);
    struct result r;

    options.max_redirects = 5;
    redirect(f, &r, f->client, "file:///etc/passwd", 302, options);
    assert_int_equal(HTTP_BAD_URL, r.failure);
    assert_int_equal(0, r.body_len);
    free(r.body);
}

static void redirect_changes_the_method(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = get(NULL);
    struct result r;

    options.method = "POST";
    options.body = "data";
    options.body_len = 4;
    options.max_redirects = 1;
    redirect(f, &r, f->client, "/x", 303, options);
    assert_string_equal("GET /x 0: -", r.body);
    free(r.body);
    redirect(f, &r, f->client, "/x", 307, options);
    assert_string_equal("POST /x 4:data -", r.body);
    free(r.body);
}

static void secrets_stay_with_their_origin(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = { "X-Api-Key: secret", NULL };
    struct http_call_options options = get(NULL);
    char *elsewhere = url_of(f->other, "/x");
    struct result r;

    options.headers = headers;
    options.max_redirects = 1;
    redirect(f, &r, f->client, "/x", 302, options);
    assert_string_equal("GET /x 0: secret", r.body);
    free(r.body);
    assert_int_equal(2, f->with_key);
    redirect(f, &r, f->client, elsewhere, 302, options);
    assert_string_equal("GET /x 0: -", r.body);
    free(r.body);
    assert_int_equal(3, f->with_key);
    free(elsewhere);
}

/* A provider that we trust must not send us to an address that we do not. */
static void another_origin_is_guarded(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = get(NULL);
    char *elsewhere = url_of(f->other, "/x");
    struct result r;

    options.max_redirects = 1;
    redirect(f, &r, f->strict_client, elsewhere, 302, options);
    assert_int_equal(HTTP_BLOCKED, r.failure);
    assert_int_equal(0, f->other_seen);
    free(r.body);
    free(elsewhere);
}

static void reads_retry_after(void **state)
{
    struct fixture *f = *state;
    time_t later = (time_t)(clock_wall_ms() / 1000 + 100);
    char date[64];
    struct result r;
    char *path;

    fetch_path(f, &r, "/patience?in=120");
    assert_int_equal(503, r.status);
    assert_int_equal(120000, r.retry_after_ms);
    free(r.body);
    fetch_path(f, &r, "/patience?in=0");
    assert_int_equal(0, r.retry_after_ms);
    free(r.body);
    fetch_path(f, &r, "/patience?in=soon");
    assert_int_equal(-1, r.retry_after_ms);
    free(r.body);
    fetch_path(f, &r, "/patience?in=99999999999999999999");
    assert_int_equal(24 * 60 * 60 * 1000, r.retry_after_ms);
    free(r.body);
    fetch_path(f, &r, "/patience?in=Sun,%2006%20Nov%201994%2008:49:37%20GMT");
    assert_int_equal(0, r.retry_after_ms);
    free(r.body);
    strftime(date, sizeof date, "%a,%%20%d%%20%b%%20%Y%%20%H:%M:%S%%20GMT",
             gmtime(&later));
    path = mem_format("/patience?in=%s", date);
    fetch_path(f, &r, path);
    assert_in_range(r.retry_after_ms, 50000, 100000);
    free(r.body);
    free(path);
}

static void cancels_silently(void **state)
{
    struct fixture *f = *state;
    char *url = url_of(f->server, "/x");
    char *never = url_of(f->server, "/never");
    struct http_call_options options = get(url);
    struct http_call_options slow = get(never);
    struct result cancelled = { .f = f };
    struct result r = { .f = f };

    http_call_cancel(
        http_client_start(f->client, &options, on_answer, &cancelled));
    /* From another call's callback, and then its own call as well. */
    r.cancel = http_client_start(f->client, &slow, on_answer, &cancelled);
    http_client_start(f->client, &options, on_answer, &r);
    while (r.calls == 0)
        run(f);
    r.calls = 0;
    r.cancel = http_client_start(f->client, &options, on_answer, &r);
    while (r.calls == 0)
        run(f);
    assert_int_equal(0, cancelled.calls);
    free(r.body);
    free(url);
    free(never);
}

static void free_cancels_loudly(void **state)
{
    struct fixture *f = *state;
    char *never = url_of(f->server, "/never");
    struct http_call_options options = get(never);
    struct http_call_options bad = get("ftp://x/");
    struct result one = { .f = f };
    struct result two = { .f = f };

    http_client_start(f->client, &options, on_answer, &one);
    http_client_start(f->client, &bad, on_answer, &two);
    http_client_free(f->client);
    f->client = NULL;
    assert_int_equal(1, one.calls);
    assert_int_equal(1, two.calls);
    assert_int_equal(HTTP_CANCELLED, one.failure);
    free(one.body);
    free(two.body);
    free(never);
}

static void compares_origins(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } cases[] = {
        { "http://a/x", "http://a/y?z", true },
        { "http://a", "http://A:80/", true },
        { "https://a/", "https://a:443/", true },
        { "http://a/", "https://a/", false },
        { "http://a/", "http://a:81/", false },
        { "http://a/", "http://b/", false },
        { "http://a/", "http://a.b/", false },
        { "http://a/", "http://a@b/", false },
        { "http://u:p@a/", "http://a/", true },
        { "http://127.0.0.1/", "http://2130706433/", true },
        { "http://a/", "http://a\\@b/", false },
        { "", "", false },
        { "x", "x", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (same_origin(cases[i].a, cases[i].b) != cases[i].same)
            fail_msg("\"%s\" and \"%s\"", cases[i].a, cases[i].b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gets),
        TEST(sends_method_headers_and_body),
        TEST(reuses_connections),
        TEST(limits_the_answer),
        TEST(times_out),
        TEST(refuses_bad_urls),
        TEST(refuses_line_breaks_in_headers),
        TEST(says_unresolved_and_unreachable),
        TEST(blocks_by_address),
        TEST(allows_what_the_settings_name),
        TEST(does_not_ride_on_unguarded_connections),
        TEST(ignores_proxies_of_the_environment),
        TEST(a_redirect_is_an_answer),
        TEST(follows_within_the_limit),
        TEST(redirects_only_to_http),
        TEST(redirect_changes_the_method),
        TEST(secrets_stay_with_their_origin),
        TEST(another_origin_is_guarded),
        TEST(reads_retry_after),
        TEST(cancels_silently),
        TEST(free_cancels_loudly),
        cmocka_unit_test(compares_origins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
