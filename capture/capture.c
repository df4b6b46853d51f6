#include "capture/capture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "capture/capture_metrics.h"
#include "capture/chromium.h"
#include "capture/filter_proxy.h"
#include "capture/pictures.h"
#include "capture/routes.h"
#include "capture/studio.h"
#include "capture/webhooks.h"
#include "common/admin.h"
#include "common/clock.h"
#include "common/http_client.h"
#include "common/http_server.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/supervisor.h"

enum {
    ERROR_SIZE = 512,
    PATH_SIZE = 4096,
    DRAIN_STEP_MS = 20,
    DESCRIPTORS = 16384,
};

struct capture {
    const struct capture_settings *settings;
    struct loop *loop;
    struct metrics *metrics;
    struct guard guard;
    struct secrets secrets;
    struct routes routes;
    struct pictures *pictures;
    struct filter_proxy *proxy;
    struct http_client *client;
    struct webhooks *webhooks;
    struct http_server *server;
    struct admin *admin;
    struct loop_timer *drain;
    int64_t drain_until_ms; /* 0: not stopping */
    char chromium[PATH_SIZE];
    char *public_url;
    bool sandbox;
    char error[ERROR_SIZE];
};

/* Without keys anybody who can connect may have pages rendered and loaded from
 * here, so only this machine may. */
static int check_listen(struct capture *c)
{
    struct sockaddr_storage address;
    socklen_t len = 0;
    bool loopback = false;

    if (http_listen_parse(c->settings->listen, &address, &len, &loopback,
                          c->error, sizeof c->error) != 0)
        return -1;
    if (!loopback && *c->settings->public_url == '\0')
        log_warning(NULL,
                    "pictures will be announced below http://%s: set "
                    "SHOTFLEET_CAPTURE_PUBLIC_URL to what others reach",
                    c->settings->listen);
    if (loopback || c->routes.keys.count > 0)
        return 0;
    snprintf(c->error, sizeof c->error,
             "could not listen on %s without keys: set SHOTFLEET_CAPTURE_KEYS, "
             "or let SHOTFLEET_CAPTURE_LISTEN be on 127.0.0.1",
             c->settings->listen);
    return -1;
}

static int choose_sandbox(struct capture *c)
{
    const char *wanted = c->settings->sandbox;
    const char *why = "SHOTFLEET_CHROMIUM_SANDBOX is off";

    if (strcmp(wanted, "on") != 0 && strcmp(wanted, "off") != 0 &&
        strcmp(wanted, "auto") != 0) {
        snprintf(c->error, sizeof c->error,
                 "SHOTFLEET_CHROMIUM_SANDBOX is \"%s\": it must be on, off or "
                 "auto",
                 wanted);
        return -1;
    }
    c->sandbox = strcmp(wanted, "on") == 0 ||
                 (strcmp(wanted, "auto") == 0 && chromium_sandbox_works(&why));
    if (!c->sandbox)
        log_warning(NULL,
                    "Chromium runs WITHOUT its sandbox (%s): a page that "
                    "breaks out of it has this process's rights; capture only "
                    "pages that you trust",
                    why);
    return 0;
}

/* Everything that can be wrong with the settings. */
static int configure(struct capture *c)
{
    const struct capture_settings *s = c->settings;

    if (secrets_parse(&c->routes.keys, s->keys, false, c->error,
                      sizeof c->error) != 0 ||
        secrets_parse(&c->secrets, s->webhook_secrets, false, c->error,
                      sizeof c->error) != 0 ||
        guard_init(&c->guard, s->fetch_allow, c->error, sizeof c->error) != 0 ||
        check_listen(c) != 0 || choose_sandbox(c) != 0)
        return -1;
    if (chromium_find(s->chromium, c->chromium, sizeof c->chromium) != 0) {
        snprintf(c->error, sizeof c->error,
                 "could not find Chromium (\"%s\"): install "
                 "chromium-headless-shell, or set SHOTFLEET_CHROMIUM",
                 *s->chromium ? s->chromium : "chromium-headless-shell");
        return -1;
    }
    if (c->secrets.count == 0)
        log_warning(NULL, "webhooks are not signed: SHOTFLEET_WEBHOOK_SECRETS "
                          "is empty");
    return pictures_open(&c->pictures, s->dir, c->error, sizeof c->error);
}

static void set_public_url(struct capture *c)
{
    const char *url = c->settings->public_url;
    const char *colon = strrchr(c->settings->listen, ':');
    size_t len = strlen(url);

    while (len > 0 && url[len - 1] == '/')
        len--;
    c->public_url =
        len > 0
            ? mem_dup(url, len)
            : mem_format("http://%.*s:%u", (int)(colon - c->settings->listen),
                         c->settings->listen, http_server_port(c->server));
}

/* A page may open a hundred connections, each of which is two descriptors here.
 * Not without a limit: programs that we start close all that there could be. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS)
        return;
    limit.rlim_cur =
        limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool is_ready(char *reason, size_t reason_size, void *arg)
{
    const struct capture *c = arg;
    const char *trouble = studio_trouble(c->routes.studio);

    if (trouble)
        snprintf(reason, reason_size, "%s", trouble);
    return trouble == NULL;
}

static int open_doors(struct capture *c)
{
    const struct http_server_options options = {
        .listen = c->settings->listen,
        .max_body_bytes = SHOT_REQUEST_BYTES,
        .handler = routes_handle,
        .arg = &c->routes,
    };

    if (filter_proxy_new(&c->proxy, c->loop, &c->guard, c->error,
                         sizeof c->error) != 0)
        return -1;
    c->server = http_server_new(c->loop, &options, c->error, sizeof c->error);
    if (!c->server)
        return -1;
    set_public_url(c);
    return admin_new(&c->admin, c->loop, c->settings->admin_listen, c->metrics,
                     is_ready, c, c->error, sizeof c->error);
}

static void hire(struct capture *c)
{
    const struct webhooks_options webhooks = {
        .client = c->client,
        .metrics = c->metrics,
        .key = c->secrets.count > 0 ? c->secrets.items[0]
                                    : (struct secret){ "", 0, NULL },
        .trusted_url = c->settings->webhook_url,
    };
    struct studio_options studio = {
        .browser = { .program = c->chromium,
                     .dir = c->settings->dir,
                     .sandbox = c->sandbox,
                     .proxy_port = filter_proxy_port(c->proxy),
                     .ready_tabs = (unsigned)c->settings->concurrency },
        .proxy = c->proxy,
        .pictures = c->pictures,
        .metrics = c->metrics,
        .public_url = c->public_url,
        .concurrency = (unsigned)c->settings->concurrency,
        .queue_max = (size_t)c->settings->queue,
    };

    c->webhooks = webhooks_new(c->loop, &webhooks);
    studio.webhooks = c->webhooks;
    c->routes.studio = studio_new(c->loop, &studio);
}

static void on_drain(void *arg)
{
    struct capture *c = arg;

    if ((studio_is_idle(c->routes.studio) &&
         http_server_in_flight(c->server) == 0) ||
        clock_monotonic_ms() >= c->drain_until_ms)
        loop_stop(c->loop);
    else
        loop_timer_start(c->drain, DRAIN_STEP_MS);
}

static void on_stop(void *arg)
{
    struct capture *c = arg;

    if (c->drain_until_ms > 0) { /* asked twice: at once */
        loop_stop(c->loop);
        return;
    }
    log_info(NULL, "stopping");
    c->drain_until_ms = clock_monotonic_ms() + c->settings->grace_s * 1000;
    http_server_quiesce(c->server);
    studio_close(c->routes.studio);
    loop_timer_start(c->drain, 0);
}

int capture_run(const struct capture_settings *settings)
{
    struct capture *c = mem_zalloc(sizeof *c);
    char port[sizeof "65535"];
    int code = EXIT_CONFIG;

    c->settings = settings;
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    if (configure(c) != 0)
        goto out;
    code = EXIT_FAILURE;
    c->loop = loop_new();
    c->metrics = capture_metrics_new();
    c->routes.metrics = c->metrics;
    c->routes.timeout_ms = settings->timeout_ms;
    c->client = http_client_new(c->loop, &c->guard);
    c->drain = loop_timer_new(c->loop, on_drain, c);
    if (open_doors(c) != 0)
        goto out;
    hire(c);
    supervisor_watch_stop(c->loop, on_stop, c);
    snprintf(port, sizeof port, "%u", http_server_port(c->server));
    log_info(LOG_WITH({ "listen", settings->listen }, { "port", port },
                      { "chromium", c->chromium }),
             "taking captures");
    loop_run(c->loop);
    code = EXIT_SUCCESS;
out:
    if (code != EXIT_SUCCESS)
        log_error(NULL, "%s", c->error);
    /* The server first: what it drops may still be in the studio's hands. */
    http_server_free(c->server);
    loop_timer_free(c->drain);
    studio_free(c->routes.studio);
    webhooks_free(c->webhooks);
    http_client_free(c->client);
    admin_free(c->admin);
    filter_proxy_free(c->proxy);
    pictures_close(c->pictures);
    metrics_free(c->metrics);
    loop_free(c->loop);
    guard_release(&c->guard);
    secrets_release(&c->secrets);
    secrets_release(&c->routes.keys);
    free(c->public_url);
    free(c);
    return code;
}
