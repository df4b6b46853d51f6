#include "worker/takeover.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/stream_group.h"
#include "worker/worker_metrics.h"

enum { CLAIM_MAX = 100 };

struct takeover {
    struct takeover_options o;
    char idle[24]; /* o.idle_ms */
    struct loop_timer *heartbeat;
    bool paused;
    bool claiming;
};

struct claim {
    struct takeover *takeover;
    size_t count;
    struct {
        char id[STREAM_ID_SIZE];
        int64_t deliveries;
    } items[CLAIM_MAX];
};

static void on_claimed(const redisReply *reply, void *arg)
{
    struct claim *claim = arg;
    struct takeover *t = claim->takeover;

    t->claiming = false;
    for (size_t i = 0;
         reply && reply->type == REDIS_REPLY_ARRAY && i < reply->elements;
         i++) {
        struct entry *e = entry_new(reply->element[i], t->o.kind);

        if (!e)
            continue;
        for (size_t k = 0; k < claim->count; k++) {
            if (strcmp(claim->items[k].id, e->id) == 0)
                e->deliveries = claim->items[k].deliveries + 1;
        }
        metric_add(t->o.metrics, ENTRIES_TAKEN_OVER, 1);
        log_info(LOG_WITH({ "entry", e->id }, { "stream", t->o.stream }),
                 "took over an entry from a silent worker");
        t->o.fn(e, t->o.arg);
    }
    free(claim);
}

static void claim_entries(struct claim *claim)
{
    struct takeover *t = claim->takeover;
    struct redis_arg argv[5 + CLAIM_MAX] = {
        REDIS_TEXT("XCLAIM"), REDIS_TEXT(t->o.stream), REDIS_TEXT(STREAM_GROUP),
        REDIS_TEXT(t->o.name), REDIS_TEXT(t->idle)
    };
    size_t n = 5;

    for (size_t i = 0; i < claim->count; i++)
        argv[n++] = REDIS_TEXT(claim->items[i].id);
    redis_command(t->o.redis, on_claimed, claim, n, argv);
}

/* [[id, consumer, idle ms, deliveries], …] */
static void on_idle(const redisReply *reply, void *arg)
{
    struct claim *claim = arg;
    struct takeover *t = claim->takeover;
    size_t most = in_hand_room(t->o.in_hand);

    for (size_t i = 0;
         reply && reply->type == REDIS_REPLY_ARRAY && i < reply->elements &&
         claim->count < most && claim->count < CLAIM_MAX;
         i++) {
        const redisReply *row = reply->element[i];

        if (row->elements != 4 || row->element[0]->len >= STREAM_ID_SIZE ||
            in_hand_has(t->o.in_hand, row->element[0]->str))
            continue;
        snprintf(claim->items[claim->count].id, STREAM_ID_SIZE, "%s",
                 row->element[0]->str);
        claim->items[claim->count++].deliveries = row->element[3]->integer;
    }
    if (claim->count > 0 && !t->paused) {
        claim_entries(claim);
        return;
    }
    t->claiming = false;
    free(claim);
}

static void look_for_idle(struct takeover *t)
{
    struct claim *claim;

    if (t->claiming || t->paused || in_hand_room(t->o.in_hand) == 0)
        return;
    t->claiming = true;
    claim = mem_zalloc(sizeof *claim);
    claim->takeover = t;
    redis_command(
        t->o.redis, on_idle, claim, 8,
        (struct redis_arg[]){ REDIS_TEXT("XPENDING"), REDIS_TEXT(t->o.stream),
                              REDIS_TEXT(STREAM_GROUP), REDIS_TEXT("IDLE"),
                              REDIS_TEXT(t->idle), REDIS_TEXT("-"),
                              REDIS_TEXT("+"), REDIS_TEXT("100") });
}

/* Says of everything in hand: still working on it. */
static void keep_alive(struct takeover *t)
{
    const struct in_hand *h = t->o.in_hand;
    struct redis_arg *argv;
    size_t n = 0;

    if (h->count == 0)
        return;
    argv = mem_alloc((6 + h->count) * sizeof *argv);
    argv[n++] = REDIS_TEXT("XCLAIM");
    argv[n++] = REDIS_TEXT(t->o.stream);
    argv[n++] = REDIS_TEXT(STREAM_GROUP);
    argv[n++] = REDIS_TEXT(t->o.name);
    argv[n++] = REDIS_TEXT("0");
    for (const struct entry *e = h->first; e; e = e->next_held)
        argv[n++] = REDIS_TEXT(e->id);
    argv[n++] = REDIS_TEXT("JUSTID");
    redis_command(t->o.redis, NULL, NULL, n, argv);
    free(argv);
}

static void on_heartbeat(void *arg)
{
    struct takeover *t = arg;

    keep_alive(t);
    look_for_idle(t);
    loop_timer_start(t->heartbeat,
                     backoff_ms(0, t->o.idle_ms / 3, t->o.idle_ms / 3));
}

struct takeover *takeover_new(struct loop *loop,
                              const struct takeover_options *options)
{
    struct takeover *t = mem_zalloc(sizeof *t);

    t->o = *options;
    snprintf(t->idle, sizeof t->idle, "%lld", (long long)t->o.idle_ms);
    t->heartbeat = loop_timer_new(loop, on_heartbeat, t);
    loop_timer_start(t->heartbeat, 0);
    return t;
}

void takeover_free(struct takeover *t)
{
    if (!t)
        return;
    loop_timer_free(t->heartbeat);
    free(t);
}

void takeover_pause(struct takeover *t, bool paused)
{
    t->paused = paused;
}

bool takeover_is_busy(const struct takeover *t)
{
    return t->claiming;
}
