#include "api/api.h"

#include <stdio.h>

#include "api/counters.h"
#include "api/idempotency_cleaner.h"
#include "api/line.h"
#include "api/live.h"
#include "api/pass.h"
#include "api/refusal.h"
#include "api/router.h"
#include "api/socketio.h"
#include "api/storage.h"
#include "api/thumbnailer.h"
#include "api/watch.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/supervisor.h"

enum {
    /* A command to Redis that waits longer means a dead connection. */
    REDIS_DEADLINE_MS = 5000,
    /* An idle keep-alive connection. */
    IDLE_TIMEOUT_S = 60,
    STOP_POLL_MS = 20,
};

static bool is_ready(char *reason, size_t reason_size, void *arg)
{
    const struct api *a = arg;

    if (shards_up(a->shards) == 0) {
        snprintf(reason, reason_size, "redis: %s", shards_error(a->shards));
        return false;
    }
    if (!db_is_up(a->db)) {
        snprintf(reason, reason_size, "postgresql: not connected");
        return false;
    }
    if (!keys_are_loaded(a->keys)) {
        snprintf(reason, reason_size, "the API keys are not known yet");
        return false;
    }
    if (!live_is_read(a->live)) {
        snprintf(reason, reason_size, "the live stream is not read yet");
        return false;
    }
    return true;
}

static int serve(struct api *a, char *error, size_t error_size)
{
    const struct api_settings *s = a->settings;
    const struct http_server_options options = {
        .listen = s->listen,
        .max_body_bytes = (size_t)s->max_body_bytes,
        .max_connections = API_CONNECTIONS_MAX,
        .max_taken = (unsigned)s->live_clients,
        .idle_timeout_s = IDLE_TIMEOUT_S,
        .handler = router_handle,
        .refusal = refusal_write,
        .arg = a,
    };

    a->server = http_server_new(a->loop, &options, error, error_size);
    if (!a->server)
        return -1;
    a->lines = lines_new(a->loop, a->metrics, http_server_max_taken(a->server));
    a->engine = engine_new(a, &socketio_owner);
    return admin_new(&a->admin, a->loop, s->admin_listen, a->metrics, is_ready,
                     a, error, error_size);
}

static int find_storage(struct api *a, char *error, size_t error_size)
{
    const struct api_settings *settings = a->settings;

    if (s3_is_url(settings->storage))
        return s3_init(&a->s3, settings->storage, &settings->s3, error,
                       error_size);
    a->storage = storage_root(settings->storage, error, error_size);
    return a->storage ? 0 : -1;
}

int api_init(struct api *a, const struct api_settings *settings, char *error,
             size_t error_size)
{
    *a = (struct api){ .settings = settings };
    if (access_init(&a->access, settings->keys, settings->listen, error,
                    error_size) != 0)
        return -1;
    if (cors_init(&a->cors, settings->cors_origins, error, error_size) != 0)
        return -1;
    if (a->cors.any && !access_needs_key(&a->access)) {
        snprintf(error, error_size,
                 "SHOTFLEET_CORS_ORIGINS=\"*\" needs SHOTFLEET_API_KEYS: "
                 "without keys every site that you visit could use the fleet");
        return -1;
    }
    if (watch_init(a, error, error_size) != 0)
        return -1;
    if (profiles_load(&a->profiles, settings->providers_dir, error,
                      error_size) != 0)
        return -1;
    if (find_storage(a, error, error_size) != 0)
        return -1;
    a->loop = loop_new();
    a->metrics = metrics_new(counters(), COUNTER_COUNT, 1);
    a->db = db_new(a->loop, settings->database_url, "shotfleet-api");
    a->keys = keys_new(a->loop, a->db);
    keys_on_change(a->keys, pass_review, a);
    a->pass_expiry = loop_timer_new(a->loop, pass_expire, a);
    a->cleaner = idempotency_cleaner_new(a->loop, a->db);
    if (a->storage) {
        folder_init(&a->folder, a->storage);
        a->thumbnailer = thumbnailer_new(a->loop);
    }
    a->shards = shards_new(a->loop, settings->redis_url, REDIS_DEADLINE_MS,
                           error, error_size);
    if (!a->shards)
        return -1;
    a->live = live_new(a->loop, settings->redis_url, a->db, a->metrics, error,
                       error_size);
    if (!a->live)
        return -1;
    return serve(a, error, error_size);
}

/* Waits for what is in hand, but not forever. */
static void on_stopping(void *arg)
{
    struct api *a = arg;

    if (http_server_in_flight(a->server) == 0 &&
        shards_outstanding(a->shards) == 0 && lines_unsent(a->lines) == 0)
        loop_stop(a->loop);
    else if (clock_monotonic_ms() >= a->stop_by_ms) {
        log_warning(NULL, "stopping with requests unanswered");
        loop_stop(a->loop);
    } else
        loop_timer_start(a->stopping, STOP_POLL_MS);
}

static void on_stop(void *arg)
{
    struct api *a = arg;

    if (a->stop_by_ms > 0)
        return;
    a->stop_by_ms = clock_monotonic_ms() + a->settings->grace_s * 1000;
    http_server_quiesce(a->server);
    engine_dismiss(a->engine);
    lines_dismiss(a->lines);
    loop_timer_start(a->stopping, 0);
}

void api_run(struct api *a)
{
    a->stopping = loop_timer_new(a->loop, on_stopping, a);
    supervisor_watch_stop(a->loop, on_stop, a);
    log_info(
        LOG_WITH({ "listen", a->settings->listen },
                 { "keys", access_needs_key(&a->access) ? "needed" : "none" }),
        "serving");
    loop_run(a->loop);
    log_info(NULL, "stopped");
}

void api_release(struct api *a)
{
    s3_release(&a->s3);
    if (a->storage)
        folder_release(&a->folder);
    /* the database and the thumbnailer first: they still owe answers to
     * requests and to live */
    admin_free(a->admin);
    db_free(a->db);
    thumbnailer_free(a->thumbnailer);
    engine_free(a->engine);
    http_server_free(a->server);
    lines_free(a->lines);
    loop_timer_free(a->pass_expiry);
    live_free(a->live);
    idempotency_cleaner_free(a->cleaner);
    keys_free(a->keys);
    shards_free(a->shards);
    metrics_free(a->metrics);
    loop_timer_free(a->stopping);
    loop_free(a->loop);
    profiles_release(&a->profiles);
    watch_release(a);
    cors_release(&a->cors);
    access_release(&a->access);
}
