#include "worker/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/admin_child.h"
#include "common/db.h"
#include "common/http_client.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/shards.h"
#include "common/supervisor.h"
#include "worker/applier.h"
#include "worker/callbacks.h"
#include "worker/consumer.h"
#include "worker/recorder.h"
#include "worker/store.h"
#include "worker/worker_metrics.h"

enum {
    /* Entries in hand at once: enough for full batches, and bounded memory. */
    WEBHOOK_WINDOW = 2000,
    /* Submissions at once: a provider is asked by this many connections. */
    SUBMIT_WINDOW = 32,
    CALLBACK_WINDOW = 64,
    REDIS_DEADLINE_MS = 5000,
    DRAIN_CHECK_MS = 20,
    WATCH_MS = 500,
};

struct worker {
    const struct worker_shared *shared;
    const struct worker_config *config;
    struct worker_config fresh; /* the config, if it could be loaded */
    struct loop *loop;
    struct shards *shards; /* everything that does not block */
    struct consumer *consumers[3 * SHARDS_MAX];
    size_t consumer_count;
    struct db *db; /* everything but recording */
    struct db *recording[RECORDER_LANES];
    struct http_client *http;
    struct store *store;
    struct recorder *recorder;
    struct applier *applier;
    struct callbacks *callbacks;
    struct loop_timer *drain;
    struct loop_timer *watch;
    char *name;
    int code; /* to exit with */
    char error[SETTINGS_ERROR_SIZE];
};

/* host-pid-boot: never that of another process, this one's predecessor under
 * the same pid included. */
static char *consumer_name(void)
{
    char host[65] = "";
    char boot[9];

    gethostname(host, sizeof host - 1);
    random_hex(4, boot);
    return mem_format("%s-%d-%s", host, (int)getpid(), boot);
}

static bool is_idle(const struct worker *w)
{
    for (size_t i = 0; i < w->consumer_count; i++) {
        if (!consumer_is_idle(w->consumers[i]))
            return false;
    }
    /* the last acknowledgements have to reach redis */
    return shards_outstanding(w->shards) == 0;
}

static void check_drained(void *arg)
{
    struct worker *w = arg;

    if (is_idle(w))
        loop_stop(w->loop);
    else
        loop_timer_start(w->drain, DRAIN_CHECK_MS);
}

static void on_stop(void *arg)
{
    struct worker *w = arg;

    for (size_t i = 0; i < w->consumer_count; i++)
        consumer_stop(w->consumers[i]);
    check_drained(w);
}

/* A child with the new configuration takes over when this one is done. */
static void on_reload(void *arg)
{
    struct worker *w = arg;
    struct worker_config fresh;

    if (worker_config_load(&fresh, w->error) != 0) {
        log_error(NULL, "could not reload, going on as before: %s", w->error);
    } else {
        log_info(NULL, "reloading: finishing what is in hand");
        w->code = EXIT_RELOAD;
        on_stop(w);
    }
    worker_config_release(&fresh);
}

static void on_report(void *arg)
{
    const struct worker *w = arg;
    char in_hand[24], waiting[24];
    size_t held = 0;

    for (size_t i = 0; i < w->consumer_count; i++)
        held += consumer_in_hand(w->consumers[i]);
    snprintf(in_hand, sizeof in_hand, "%zu", held);
    snprintf(waiting, sizeof waiting, "%zu", recorder_waiting(w->recorder));
    log_info(LOG_WITH({ "consumer", w->name }, { "in_hand", in_hand },
                      { "to_be_recorded", waiting },
                      { "redis", shards_error(w->shards)[0] ? "away" : "up" },
                      { "postgresql", db_is_up(w->db) ? "up" : "away" }),
             "at work");
}

/* What cannot be stored is not taken; callbacks need no storage. */
static void on_storage(void *arg)
{
    struct worker *w = arg;

    for (size_t i = 0; i < w->consumer_count; i++) {
        if (consumer_kind(w->consumers[i]) != ENTRY_CALLBACK)
            consumer_pause(w->consumers[i], !store_is_well(w->store));
    }
}

static void watch(void *arg)
{
    struct worker *w = arg;

    metric_set(w->shared->metrics, STORAGE_UP, store_is_well(w->store));
    metric_set(w->shared->metrics, DATABASE_UP, db_is_up(w->db));
    loop_timer_start(w->watch, WATCH_MS);
}

static int make_stores(struct worker *w)
{
    const struct worker_settings *s = &w->config->settings;

    w->shards = shards_new(w->loop, s->redis_url, REDIS_DEADLINE_MS, w->error,
                           sizeof w->error);
    if (!w->shards)
        return -1;
    w->db = db_new(w->loop, s->database_url, "shotfleet-worker");
    for (size_t i = 0; i < RECORDER_LANES; i++)
        w->recording[i] =
            db_new(w->loop, s->database_url, "shotfleet-worker recording");
    w->http = http_client_new(w->loop, &w->config->guard);
    http_client_trust(w->http, s->ca_file);
    w->store = store_new(&(struct store_options){ .loop = w->loop,
                                                  .http = w->http,
                                                  .url = s->storage,
                                                  .s3 = &s->s3,
                                                  .on_change = on_storage,
                                                  .arg = w },
                         w->error, sizeof w->error);
    return w->store ? 0 : -1;
}

static void make_work(struct worker *w)
{
    const struct worker_shared *shared = w->shared;
    const struct worker_config *config = w->config;
    struct recorder_options recorder = {
        .dbs = w->recording,
        .metrics = shared->metrics,
        .stale_after_ms = config->settings.stale_after_s * 1000,
    };
    struct applier_options applier = {
        .db = w->db,
        .http = w->http,
        .providers = &config->providers,
        .store = w->store,
        .paces = shared->paces,
        .metrics = shared->metrics,
        .fetch_timeout_ms = config->settings.fetch_timeout_s * 1000,
        .webhook_url = config->settings.webhook_url,
        .token_key =
            config->token_keys.count ? &config->token_keys.items[0] : NULL,
    };

    w->recorder = recorder_new(w->loop, &recorder);
    applier.recorder = w->recorder;
    w->applier = applier_new(w->loop, &applier);
    w->callbacks = callbacks_new(w->loop, w->db, w->http,
                                 &config->callback_keys, shared->metrics);
}

/* One for each stream of each server: no stream must wait for another. */
static int add_consumers(struct worker *w, struct consumer_options *options)
{
    const struct {
        enum entry_kind kind;
        size_t window;
        consumer_fn *fn;
        void *arg;
    } streams[] = {
        { ENTRY_WEBHOOK, WEBHOOK_WINDOW, applier_take, w->applier },
        { ENTRY_SUBMIT, SUBMIT_WINDOW, applier_take, w->applier },
        { ENTRY_CALLBACK, CALLBACK_WINDOW, callbacks_take, w->callbacks },
    };

    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        struct consumer *c;

        options->kind = streams[i].kind;
        options->window = streams[i].window;
        options->fn = streams[i].fn;
        options->arg = streams[i].arg;
        c = consumer_new(w->loop, options, w->error, sizeof w->error);
        if (!c)
            return -1;
        w->consumers[w->consumer_count++] = c;
    }
    return 0;
}

static int make_consumers(struct worker *w)
{
    struct consumer_options options = {
        .name = w->name = consumer_name(),
        .takeover_ms = w->config->settings.takeover_s * 1000,
        .metrics = w->shared->metrics,
    };
    struct shard_urls urls;
    int rc = shard_urls_parse(&urls, w->config->settings.redis_url, w->error,
                              sizeof w->error);

    for (size_t i = 0; rc == 0 && i < urls.count; i++) {
        options.redis_url = urls.items[i];
        options.writer = shards_at(w->shards, i);
        options.shard = urls.count > 1 ? redis_name(options.writer) : "";
        rc = add_consumers(w, &options);
    }
    shard_urls_release(&urls);
    return rc;
}

/* In this order: requests end before what they work for. */
static void worker_release(struct worker *w)
{
    http_client_free(w->http);
    store_free(w->store);
    db_free(w->db);
    for (size_t i = 0; i < RECORDER_LANES; i++)
        db_free(w->recording[i]);
    for (size_t i = 0; i < w->consumer_count; i++)
        consumer_free(w->consumers[i]);
    shards_free(w->shards);
    callbacks_free(w->callbacks);
    applier_free(w->applier);
    recorder_free(w->recorder);
    loop_timer_free(w->drain);
    loop_timer_free(w->watch);
    loop_free(w->loop);
    free(w->name);
    worker_config_release(&w->fresh);
}

/* Its own configuration, because the parent's may be older than a reload. */
static void load_config(struct worker *w)
{
    w->config = &w->fresh;
    if (worker_config_load(&w->fresh, w->error) == 0)
        return;
    log_error(NULL, "could not load the new configuration, using the old: %s",
              w->error);
    w->config = w->shared->config;
}

int worker_child(unsigned index, void *arg)
{
    struct worker w = { .shared = arg };
    int code = EXIT_CONFIG;

    paces_use_row(w.shared->paces, index);
    load_config(&w);
    w.loop = loop_new();
    w.drain = loop_timer_new(w.loop, check_drained, &w);
    w.watch = loop_timer_new(w.loop, watch, &w);
    if (make_stores(&w) != 0)
        goto out;
    make_work(&w);
    if (make_consumers(&w) != 0)
        goto out;
    on_storage(&w);
    supervisor_watch_stop(w.loop, on_stop, &w);
    loop_on_signal(w.loop, SIGHUP, on_reload, &w);
    loop_on_signal(w.loop, SIGUSR1, on_report, &w);
    watch(&w);
    loop_run(w.loop);
    code = w.code;
out:
    if (code == EXIT_CONFIG)
        log_error(NULL, "%s", w.error);
    worker_release(&w);
    return code;
}

static bool is_ready(char *reason, size_t reason_size, void *arg)
{
    const struct worker_shared *shared = arg;
    const char *missing = NULL;

    if (metric_sum(shared->metrics, REDIS_UP) <= 0)
        missing = "redis";
    else if (metric_sum(shared->metrics, DATABASE_UP) <= 0)
        missing = "postgresql";
    if (missing)
        snprintf(reason, reason_size, "no process is connected to %s", missing);
    else if (metric_sum(shared->metrics, STORAGE_UP) <= 0)
        snprintf(reason, reason_size,
                 "no process can store pictures; its log says why");
    else
        return true;
    return false;
}

int worker_admin(unsigned index, void *arg)
{
    const struct worker_shared *shared = arg;

    (void)index;
    return admin_child_run(shared->config->settings.admin_listen,
                           shared->metrics, is_ready, NULL, arg);
}
