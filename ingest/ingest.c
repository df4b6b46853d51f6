#include "ingest/ingest.h"

#include <signal.h>
#include <stdio.h>

#include "common/admin_child.h"
#include "common/http_server.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/shards.h"
#include "common/supervisor.h"
#include "ingest/door.h"
#include "ingest/health.h"
#include "ingest/ingest_metrics.h"
#include "ingest/receiver.h"

enum {
    DRAIN_CHECK_MS = 20,
    /* Who knows nothing of any Redis by then takes requests to say 503. */
    OPEN_LATEST_MS = 2000,
};

struct ingest {
    const struct ingest_shared *shared;
    unsigned index;
    struct loop *loop;
    struct shards *shards;
    struct health *health;
    struct access_log *log;
    struct tally *tally;
    struct http_server *server; /* NULL until a Redis was judged */
    struct loop_timer *open;
    struct loop_timer *drain;
    struct receiver receiver;
    struct gate reloaded; /* what SIGHUP, or a start after one, brought */
    int code;             /* to exit with */
};

/* Secrets, profiles and address ranges anew, from the files that the settings
 * name.  What cannot be loaded changes nothing. */
static void reload(struct ingest *in)
{
    struct gate fresh;
    char error[SETTINGS_ERROR_SIZE];

    if (gate_reload(&fresh, error) != 0) {
        log_error(NULL, "could not reload, going on as before: %s", error);
        gate_release(&fresh);
        return;
    }
    gate_release(&in->reloaded); /* requests only borrow it while judged */
    in->reloaded = fresh;
    in->receiver.gate = &in->reloaded;
}

static void on_reload(void *arg)
{
    struct ingest *in = arg;

    reload(in);
    if (in->receiver.gate == &in->reloaded)
        log_info(NULL, "reloaded secrets, profiles and address ranges");
}

/* Not before the first Redis was judged: requests that go to a process that
 * just started would get 503, while another one would take them. */
static void open_door(void *arg)
{
    struct ingest *in = arg;
    char error[SETTINGS_ERROR_SIZE];

    loop_timer_stop(in->open);
    if (in->server)
        return;
    in->server = door_open(in->loop, in->shared->settings, &in->receiver, error,
                           sizeof error);
    if (in->server)
        return;
    log_error(NULL, "%s", error);
    in->code = EXIT_CONFIG;
    loop_stop(in->loop);
}

static void check_drained(void *arg)
{
    struct ingest *in = arg;

    /* what was counted has to reach redis */
    if (http_server_in_flight(in->server) == 0 &&
        shards_outstanding(in->shards) == 0)
        loop_stop(in->loop);
    else
        loop_timer_start(in->drain, DRAIN_CHECK_MS);
}

static void on_stop(void *arg)
{
    struct ingest *in = arg;

    loop_timer_stop(in->open);
    if (!in->server) {
        loop_stop(in->loop);
        return;
    }
    http_server_quiesce(in->server);
    tally_flush(in->tally);
    check_drained(in);
}

static int ingest_start(struct ingest *in)
{
    const struct ingest_settings *s = in->shared->settings;
    char error[SETTINGS_ERROR_SIZE];

    in->loop = loop_new();
    supervisor_watch_stop(in->loop, on_stop, in);
    in->drain = loop_timer_new(in->loop, check_drained, in);
    in->open = loop_timer_new(in->loop, open_door, in);
    loop_timer_start(in->open, OPEN_LATEST_MS);
    in->shards = shards_new(in->loop, s->redis_url, s->redis_deadline_ms, error,
                            sizeof error);
    if (!in->shards) {
        log_error(NULL, "%s", error);
        return EXIT_CONFIG;
    }
    in->health = health_new(in->loop, in->shards, s, in->shared->metrics,
                            in->index == 0, open_door, in);
    in->log = access_log_new(
        in->loop, &(struct access_log_options){ .refusals = s->log_refusals,
                                                .sample = s->log_sample });
    in->tally = tally_new(in->loop, in->shards, in->shared->series);
    in->receiver = (struct receiver){ .gate = in->shared->gate,
                                      .shards = in->shards,
                                      .health = in->health,
                                      .series = in->shared->series,
                                      .metrics = in->shared->metrics,
                                      .log = in->log,
                                      .tally = in->tally,
                                      .rejected = in->shared->rejected,
                                      .process = in->index,
                                      .sha256 = sha256_new() };
    reload(in); /* a replaced child must not fall back to old secrets */
    loop_on_signal(in->loop, SIGHUP, on_reload, in);
    return 0;
}

int ingest_child(unsigned index, void *arg)
{
    struct ingest in = { .shared = arg, .index = index };
    int code = ingest_start(&in);

    if (code == 0) {
        loop_run(in.loop);
        code = in.code;
    }
    shards_free(in.shards); /* answers what still waits */
    health_free(in.health);
    http_server_free(in.server);
    tally_free(in.tally);
    access_log_free(in.log);
    sha256_free(in.receiver.sha256);
    gate_release(&in.reloaded);
    loop_timer_free(in.drain);
    loop_timer_free(in.open);
    loop_free(in.loop);
    return code;
}

static bool is_ready(char *reason, size_t reason_size, void *arg)
{
    const struct ingest_shared *shared = arg;

    if (metric_sum(shared->metrics, ACCEPTING) > 0)
        return true;
    snprintf(reason, reason_size,
             "no process has a redis that takes webhooks; the log says why");
    return false;
}

static int render_rejected(struct buf *out, void *arg)
{
    const struct ingest_shared *shared = arg;

    return rejected_render(shared->rejected, out);
}

int ingest_admin(unsigned index, void *arg)
{
    static const struct admin_page rejected = { "/rejected",
                                                "application/x-ndjson",
                                                render_rejected };
    const struct ingest_shared *shared = arg;

    (void)index;
    return admin_child_run(shared->settings->admin_listen, shared->metrics,
                           is_ready, &rejected, arg);
}
