#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/admin.h"
#include "common/http_client.h"
#include "common/mem.h"
#include "tests/unit/unit.h"

struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct admin *admin;
    struct http_client *client;
    const char *not_ready; /* NULL: ready */
    unsigned status;
    char type[64];
    char body[512];
};

static const struct metric series[] = {
    { "things_total", NULL, "Things that happened.", METRIC_COUNTER },
};

static bool is_ready(char *reason, size_t reason_size, void *arg)
{
    const struct fixture *f = arg;

    if (f->not_ready)
        snprintf(reason, reason_size, "%s", f->not_ready);
    return !f->not_ready;
}

static int set_up(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    char error[256] = "";

    f->loop = loop_new();
    f->metrics = metrics_new(series, ARRAY_LEN(series), 1);
    f->client = http_client_new(f->loop, NULL);
    assert_int_equal(0, admin_new(&f->admin, f->loop, "127.0.0.1:0", f->metrics,
                                  is_ready, f, error, sizeof error));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    http_client_free(f->client);
    admin_free(f->admin);
    metrics_free(f->metrics);
    loop_free(f->loop);
    free(f);
    return 0;
}

static void on_answer(const struct http_answer *answer, void *arg)
{
    struct fixture *f = arg;

    f->status = answer->status;
    snprintf(f->type, sizeof f->type, "%s", answer->content_type);
    snprintf(f->body, sizeof f->body, "%s", answer->body);
    loop_stop(f->loop);
}

static void ask(struct fixture *f, const char *method, const char *path)
{
    char *url = mem_format("http://127.0.0.1:%u%s", admin_port(f->admin), path);
    struct http_call_options options = {
        .method = method, .url = url, .max_bytes = 10000, .timeout_ms = 20000
    };

    http_client_start(f->client, &options, on_answer, f);
    loop_run(f->loop);
    free(url);
}

static void is_healthy(void **state)
{
    struct fixture *f = *state;

    f->not_ready = "no";
    ask(f, "GET", "/healthz");
    assert_int_equal(200, f->status);
    assert_string_equal("ok\n", f->body);
}

static void says_why_it_is_not_ready(void **state)
{
    struct fixture *f = *state;

    ask(f, "GET", "/readyz");
    assert_int_equal(200, f->status);
    f->not_ready = "no connection to redis";
    ask(f, "GET", "/readyz");
    assert_int_equal(503, f->status);
    assert_string_equal("no connection to redis\n", f->body);
    f->not_ready = "";
    ask(f, "GET", "/readyz");
    assert_int_equal(503, f->status);
    assert_string_equal("not ready\n", f->body);
}

static void shows_metrics(void **state)
{
    struct fixture *f = *state;

    metric_add(f->metrics, 0, 42);
    ask(f, "GET", "/metrics");
    assert_int_equal(200, f->status);
    assert_string_equal("text/plain; version=0.0.4; charset=utf-8", f->type);
    assert_non_null(strstr(f->body, "\nthings_total 42\n"));
}

static int render_page(struct buf *out, void *arg)
{
    return buf_append_str(out, arg);
}

static void shows_a_page_of_the_programs_own(void **state)
{
    static const struct admin_page page = { "/more", "text/x-more",
                                            render_page };
    struct fixture *f = *state;
    struct buf huge;

    ask(f, "GET", "/more");
    assert_int_equal(404, f->status);
    admin_set_page(f->admin, &page, "more of it");
    ask(f, "GET", "/more");
    assert_int_equal(200, f->status);
    assert_string_equal("text/x-more", f->type);
    assert_string_equal("more of it", f->body);
    admin_set_page(f->admin, &page, "");
    ask(f, "GET", "/more");
    assert_int_equal(200, f->status);
    assert_string_equal("", f->body);
    buf_init(&huge, 17 * 1024 * 1024);
    while (huge.len <= 16 * 1024 * 1024)
        assert_int_equal(0, buf_append_str(&huge, "more than is let out; "));
    admin_set_page(f->admin, &page, huge.data);
    ask(f, "GET", "/more");
    assert_int_equal(500, f->status);
    buf_release(&huge);
}

static void refuses_the_rest(void **state)
{
    struct fixture *f = *state;

    ask(f, "GET", "/");
    assert_int_equal(404, f->status);
    ask(f, "GET", "/metrics/");
    assert_int_equal(404, f->status);
    ask(f, "POST", "/healthz");
    assert_int_equal(405, f->status);
    ask(f, "HEAD", "/healthz");
    assert_int_equal(200, f->status);
}

static void listens_nowhere_when_told_so(void **state)
{
    struct fixture *f = *state;
    struct admin *none = f->admin;
    char error[256] = "";

    assert_int_equal(0, admin_new(&none, f->loop, "", f->metrics, NULL, NULL,
                                  error, sizeof error));
    assert_null(none);
    admin_free(none);
    assert_int_equal(-1, admin_new(&none, f->loop, "nonsense", f->metrics, NULL,
                                   NULL, error, sizeof error));
    assert_null(none);
    assert_non_null(strstr(error, "could not read address \"nonsense\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_healthy),       TEST(says_why_it_is_not_ready),
        TEST(shows_metrics),    TEST(shows_a_page_of_the_programs_own),
        TEST(refuses_the_rest), TEST(listens_nowhere_when_told_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
