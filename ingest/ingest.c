#include "ingest/ingest.h"

#include <stdio.h>

#include "common/admin_child.h"
#include "common/http_server.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/redis.h"
#include "common/supervisor.h"
#include "ingest/ingest_metrics.h"
#include "ingest/receiver.h"

enum {
    /* A provider waits a few seconds for its answer; Redis gets one of them. */
    REDIS_DEADLINE_MS = 1000,
    DRAIN_CHECK_MS = 20,
};

struct ingest {
    const struct ingest_shared *shared;
    struct loop *loop;
    struct redis *redis;
    struct http_server *server;
    struct loop_timer *drain;
    struct receiver receiver;
};

static void on_redis(bool up, void *arg)
{
    struct ingest *in = arg;

    metric_set(in->shared->metrics, REDIS_UP, up);
}

static void check_drained(void *arg)
{
    struct ingest *in = arg;

    if (http_server_in_flight(in->server) == 0)
        loop_stop(in->loop);
    else
        loop_timer_start(in->drain, DRAIN_CHECK_MS);
}

static void on_stop(void *arg)
{
    struct ingest *in = arg;

    http_server_quiesce(in->server);
    check_drained(in);
}

static int ingest_start(struct ingest *in)
{
    const struct ingest_settings *s = in->shared->settings;
    struct http_server_options options = {
        .listen = s->listen,
        .reuse_port = true,
        .max_body_bytes = (size_t)s->max_body_bytes,
        .handler = receiver_handle,
        .arg = &in->receiver,
    };
    char error[SETTINGS_ERROR_SIZE];

    in->loop = loop_new();
    supervisor_watch_stop(in->loop, on_stop, in);
    in->drain = loop_timer_new(in->loop, check_drained, in);
    in->redis = redis_new(in->loop, s->redis_url, REDIS_DEADLINE_MS, error,
                          sizeof error);
    if (!in->redis) {
        log_error(NULL, "%s", error);
        return EXIT_CONFIG;
    }
    redis_on_state(in->redis, on_redis, in);
    in->receiver = (struct receiver){ .gate = in->shared->gate,
                                      .redis = in->redis,
                                      .metrics = in->shared->metrics };
    in->server = http_server_new(in->loop, &options, error, sizeof error);
    if (!in->server) {
        log_error(NULL, "%s", error);
        return EXIT_CONFIG;
    }
    return 0;
}

int ingest_child(unsigned index, void *arg)
{
    struct ingest in = { .shared = arg };
    int code = ingest_start(&in);

    (void)index;
    if (code == 0)
        loop_run(in.loop);
    redis_free(in.redis); /* answers what still waits */
    http_server_free(in.server);
    loop_timer_free(in.drain);
    loop_free(in.loop);
    return code;
}

static bool is_ready(char *reason, size_t reason_size, void *arg)
{
    const struct ingest_shared *shared = arg;

    if (metric_sum(shared->metrics, REDIS_UP) > 0)
        return true;
    snprintf(reason, reason_size, "no process is connected to redis");
    return false;
}

int ingest_admin(unsigned index, void *arg)
{
    const struct ingest_shared *shared = arg;

    (void)index;
    return admin_child_run(shared->settings->admin_listen, shared->metrics,
                           is_ready, arg);
}
