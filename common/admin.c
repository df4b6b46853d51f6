#include "common/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/http_server.h"
#include "common/mem.h"
#include "common/ranges.h"

enum {
    /* Nobody has anything to send here. */
    MAX_BODY_BYTES = 1024,
    MAX_CONNECTIONS = 64,
    MAX_PAGE_BYTES = 16 * 1024 * 1024,
    REASON_SIZE = 256,
};

struct admin {
    struct http_server *server;
    const struct metrics *metrics;
    admin_ready_fn *ready;
    void *arg;
    const struct admin_page *page; /* NULL: none */
    void *page_arg;
    struct ranges loopback;
};

static void respond_text(struct http_request *r, unsigned status,
                         const char *text)
{
    http_respond(r, status, "text/plain; charset=utf-8", text, strlen(text),
                 NULL);
}

static void respond_ready(struct http_request *r, const struct admin *a)
{
    char reason[REASON_SIZE] = "";
    char text[REASON_SIZE + 1];

    if (!a->ready || a->ready(reason, sizeof reason, a->arg)) {
        respond_text(r, 200, "ok\n");
        return;
    }
    snprintf(text, sizeof text, "%s\n", reason[0] ? reason : "not ready");
    respond_text(r, 503, text);
}

static int render_metrics(struct buf *out, void *arg)
{
    const struct admin *a = arg;

    return metrics_render(a->metrics, out);
}

static void respond_page(struct http_request *r, const struct admin_page *page,
                         void *arg)
{
    struct buf text;

    buf_init(&text, MAX_PAGE_BYTES);
    if (page->render(&text, arg) == 0)
        http_respond(r, 200, page->type, text.data ? text.data : "", text.len,
                     NULL);
    else
        http_respond_error(r, 500, "could not render %s", page->path);
    buf_release(&text);
}

static void respond_own_page(struct http_request *r, const struct admin *a)
{
    if (ranges_contain(&a->loopback, http_peer(r)))
        respond_page(r, a->page, a->page_arg);
    else
        http_respond_error(r, 403, "only this machine itself is told");
}

static void handler(struct http_request *r, void *arg)
{
    static const struct http_field allow[] = { { "Allow", "GET, HEAD" },
                                               { NULL, NULL } };
    static const char refusal[] = "{\"error\":\"only GET and HEAD\"}\n";
    static const struct admin_page metrics = {
        "/metrics", "text/plain; version=0.0.4; charset=utf-8", render_metrics
    };
    struct admin *a = arg;
    const char *method = http_method(r);
    const char *path = http_path(r);

    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        http_respond(r, 405, "application/json", refusal, sizeof refusal - 1,
                     allow);
    else if (strcmp(path, "/healthz") == 0)
        respond_text(r, 200, "ok\n");
    else if (strcmp(path, "/readyz") == 0)
        respond_ready(r, a);
    else if (strcmp(path, metrics.path) == 0)
        respond_page(r, &metrics, a);
    else if (a->page && strcmp(path, a->page->path) == 0)
        respond_own_page(r, a);
    else
        http_respond_error(r, 404,
                           "not found: /healthz, /readyz and /metrics "
                           "are here");
}

int admin_new(struct admin **out, struct loop *loop, const char *listen,
              const struct metrics *metrics, admin_ready_fn *ready, void *arg,
              char *error, size_t error_size)
{
    struct admin *a;
    struct http_server_options options = {
        .listen = listen,
        .max_body_bytes = MAX_BODY_BYTES,
        .max_connections = MAX_CONNECTIONS,
        .handler = handler,
    };

    *out = NULL;
    if (listen[0] == '\0')
        return 0;
    a = mem_zalloc(sizeof *a);
    a->metrics = metrics;
    a->ready = ready;
    a->arg = arg;
    options.arg = a;
    if (ranges_parse(&a->loopback, "127.0.0.0/8,::1", error, error_size) == 0)
        a->server = http_server_new(loop, &options, error, error_size);
    if (!a->server) {
        admin_free(a);
        return -1;
    }
    *out = a;
    return 0;
}

void admin_set_page(struct admin *a, const struct admin_page *page, void *arg)
{
    a->page = page;
    a->page_arg = arg;
}

uint16_t admin_port(const struct admin *a)
{
    return http_server_port(a->server);
}

void admin_free(struct admin *a)
{
    if (!a)
        return;
    http_server_free(a->server);
    ranges_release(&a->loopback);
    free(a);
}
