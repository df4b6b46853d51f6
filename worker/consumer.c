#include "worker/consumer.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/stream_group.h"
#include "worker/worker_metrics.h"

enum {
    BLOCK_MS = 1000,
    READER_DEADLINE_MS = BLOCK_MS + 3000,
    READ_COUNT = 200,
    /* Entries in hand hold no more than this, give or take one read. */
    HELD_MAX_BYTES = 64 * 1024 * 1024,
    USUAL_BYTES = 1024,
    CLAIM_COUNT = 100,
    RETRY_MS = 200,
};

struct consumer {
    struct consumer_options o;
    struct redis *reader; /* blocks in XREADGROUP */
    const char *stream;
    struct entry *held; /* in hand */
    size_t held_count;
    size_t held_bytes;
    size_t usual_bytes; /* of an entry, by the last read */
    bool stopped;
    bool paused;
    bool reading;
    bool claiming;
    struct loop_timer *again;     /* next read after an error */
    struct loop_timer *heartbeat; /* and look for entries to take over */
};

static void read_more(struct consumer *c);

/* --- in hand */

static bool is_held(const struct consumer *c, const char *id)
{
    for (const struct entry *e = c->held; e; e = e->next_held) {
        if (strcmp(e->id, id) == 0)
            return true;
    }
    return false;
}

/* How many more entries there is room for. */
static size_t room(const struct consumer *c)
{
    size_t by_count =
        c->o.window > c->held_count ? c->o.window - c->held_count : 0;
    size_t left =
        c->held_bytes < HELD_MAX_BYTES ? HELD_MAX_BYTES - c->held_bytes : 0;
    size_t by_bytes = left / c->usual_bytes;

    if (c->held_count == 0 && by_bytes == 0)
        by_bytes = 1; /* one that is larger than that has to be done too */
    return by_count < by_bytes ? by_count : by_bytes;
}

static void hold(struct consumer *c, struct entry *e)
{
    e->consumer = c;
    e->next_held = c->held;
    if (c->held)
        c->held->prev_held = e;
    c->held = e;
    c->held_count++;
    c->held_bytes += e->size;
    metric_add(c->o.metrics, ENTRIES_IN_HAND, 1);
}

static void let_go(struct consumer *c, struct entry *e)
{
    if (e->prev_held)
        e->prev_held->next_held = e->next_held;
    else
        c->held = e->next_held;
    if (e->next_held)
        e->next_held->prev_held = e->prev_held;
    c->held_count--;
    c->held_bytes -= e->size;
    metric_add(c->o.metrics, ENTRIES_IN_HAND, -1);
    entry_free(e);
}

static void hand_out(struct consumer *c, struct entry *e)
{
    hold(c, e);
    c->o.fn(e, c->o.arg);
}

/* --- the group */

static void on_group(const struct stream_state *state, const char *error,
                     void *arg)
{
    struct consumer *c = arg;

    if (error)
        log_error(LOG_WITH({ "stream", c->stream }),
                  "could not open the consumer group: %s", error);
    c->reading = false;
    loop_timer_start(c->again, state ? 0 : RETRY_MS);
}

static void open_group(struct consumer *c)
{
    c->reading = true;
    stream_group_open(c->reader, c->stream, 0, on_group, c);
}

/* --- reading */

/* [[stream, [entry, …]]] */
static void take_entries(struct consumer *c, const redisReply *streams)
{
    const redisReply *entries;
    size_t bytes = 0;

    if (streams->elements != 1 || streams->element[0]->elements != 2)
        return;
    entries = streams->element[0]->element[1];
    for (size_t i = 0; i < entries->elements; i++) {
        struct entry *e = entry_new(entries->element[i], c->o.kind);

        if (!e)
            continue;
        bytes += e->size;
        hand_out(c, e);
    }
    if (entries->elements > 0)
        c->usual_bytes = bytes / entries->elements + USUAL_BYTES;
}

static void on_read(const redisReply *reply, void *arg)
{
    struct consumer *c = arg;
    const char *error;

    c->reading = false;
    if (!reply) { /* the connection comes back and calls on_reader */
        loop_timer_start(c->again, RETRY_MS);
        return;
    }
    error = redis_reply_error(reply);
    if (error && strncmp(error, "NOGROUP", 7) == 0) {
        log_warning(LOG_WITH({ "stream", c->stream }),
                    "consumer group is gone, creating it again");
        open_group(c);
        return;
    }
    if (error) {
        log_error(LOG_WITH({ "stream", c->stream }),
                  "could not read the stream: %s", error);
        loop_timer_start(c->again, RETRY_MS);
        return;
    }
    if (reply->type == REDIS_REPLY_ARRAY)
        take_entries(c, reply);
    read_more(c);
}

static void read_more(struct consumer *c)
{
    char count[24], block[24];
    size_t most = room(c) < READ_COUNT ? room(c) : READ_COUNT;

    if (c->stopped || c->paused || c->reading || most == 0 ||
        !redis_is_up(c->reader) || loop_timer_running(c->again))
        return;
    c->reading = true;
    snprintf(count, sizeof count, "%zu", most);
    snprintf(block, sizeof block, "%d", BLOCK_MS);
    redis_command(
        c->reader, on_read, c, 11,
        (struct redis_arg[]){ REDIS_TEXT("XREADGROUP"), REDIS_TEXT("GROUP"),
                              REDIS_TEXT(STREAM_GROUP), REDIS_TEXT(c->o.name),
                              REDIS_TEXT("COUNT"), REDIS_TEXT(count),
                              REDIS_TEXT("BLOCK"), REDIS_TEXT(block),
                              REDIS_TEXT("STREAMS"), REDIS_TEXT(c->stream),
                              REDIS_TEXT(">") });
}

static void read_again(void *arg)
{
    read_more(arg);
}

static void on_reader(bool up, void *arg)
{
    struct consumer *c = arg;

    metric_add(c->o.metrics, REDIS_UP, up ? 1 : -1);
    if (up && !c->stopped && !c->reading)
        open_group(c);
}

/* --- taking over */

struct claim {
    struct consumer *consumer;
    size_t count;
    struct {
        char id[STREAM_ID_SIZE];
        int64_t deliveries;
    } items[CLAIM_COUNT];
};

static void on_claimed(const redisReply *reply, void *arg)
{
    struct claim *claim = arg;
    struct consumer *c = claim->consumer;

    c->claiming = false;
    for (size_t i = 0;
         reply && reply->type == REDIS_REPLY_ARRAY && i < reply->elements;
         i++) {
        struct entry *e = entry_new(reply->element[i], c->o.kind);

        if (!e)
            continue;
        for (size_t k = 0; k < claim->count; k++) {
            if (strcmp(claim->items[k].id, e->id) == 0)
                e->deliveries = claim->items[k].deliveries + 1;
        }
        metric_add(c->o.metrics, ENTRIES_TAKEN_OVER, 1);
        log_info(LOG_WITH({ "entry", e->id }, { "stream", c->stream }),
                 "took over an entry from a silent worker");
        hand_out(c, e);
    }
    free(claim);
}

static void claim_entries(struct claim *claim)
{
    struct consumer *c = claim->consumer;
    struct redis_arg argv[5 + CLAIM_COUNT] = { REDIS_TEXT("XCLAIM"),
                                               REDIS_TEXT(c->stream),
                                               REDIS_TEXT(STREAM_GROUP),
                                               REDIS_TEXT(c->o.name) };
    char idle[24];
    size_t n = 4;

    snprintf(idle, sizeof idle, "%lld", (long long)c->o.takeover_ms);
    argv[n++] = REDIS_TEXT(idle);
    for (size_t i = 0; i < claim->count; i++)
        argv[n++] = REDIS_TEXT(claim->items[i].id);
    redis_command(c->o.writer, on_claimed, claim, n, argv);
}

/* [[id, consumer, idle ms, deliveries], …] */
static void on_idle(const redisReply *reply, void *arg)
{
    struct claim *claim = arg;
    struct consumer *c = claim->consumer;
    size_t most = room(c);

    for (size_t i = 0;
         reply && reply->type == REDIS_REPLY_ARRAY && i < reply->elements &&
         claim->count < most && claim->count < CLAIM_COUNT;
         i++) {
        const redisReply *row = reply->element[i];

        if (row->elements != 4 || row->element[0]->len >= STREAM_ID_SIZE ||
            is_held(c, row->element[0]->str))
            continue;
        snprintf(claim->items[claim->count].id, STREAM_ID_SIZE, "%s",
                 row->element[0]->str);
        claim->items[claim->count++].deliveries = row->element[3]->integer;
    }
    if (claim->count > 0 && !c->stopped) {
        claim_entries(claim);
        return;
    }
    c->claiming = false;
    free(claim);
}

static void look_for_idle(struct consumer *c)
{
    struct claim *claim;
    char idle[24];

    if (c->claiming || c->stopped || c->paused || room(c) == 0)
        return;
    c->claiming = true;
    claim = mem_zalloc(sizeof *claim);
    claim->consumer = c;
    snprintf(idle, sizeof idle, "%lld", (long long)c->o.takeover_ms);
    redis_command(
        c->o.writer, on_idle, claim, 8,
        (struct redis_arg[]){ REDIS_TEXT("XPENDING"), REDIS_TEXT(c->stream),
                              REDIS_TEXT(STREAM_GROUP), REDIS_TEXT("IDLE"),
                              REDIS_TEXT(idle), REDIS_TEXT("-"),
                              REDIS_TEXT("+"), REDIS_TEXT("100") });
}

/* Says of everything in hand: still working on it. */
static void keep_alive(struct consumer *c)
{
    struct redis_arg *argv;
    size_t n = 0;

    if (c->held_count == 0)
        return;
    argv = mem_alloc((6 + c->held_count) * sizeof *argv);
    argv[n++] = REDIS_TEXT("XCLAIM");
    argv[n++] = REDIS_TEXT(c->stream);
    argv[n++] = REDIS_TEXT(STREAM_GROUP);
    argv[n++] = REDIS_TEXT(c->o.name);
    argv[n++] = REDIS_TEXT("0");
    for (const struct entry *e = c->held; e; e = e->next_held)
        argv[n++] = REDIS_TEXT(e->id);
    argv[n++] = REDIS_TEXT("JUSTID");
    redis_command(c->o.writer, NULL, NULL, n, argv);
    free(argv);
}

static void on_heartbeat(void *arg)
{
    struct consumer *c = arg;

    keep_alive(c);
    look_for_idle(c);
    loop_timer_start(c->heartbeat,
                     backoff_ms(0, c->o.takeover_ms / 3, c->o.takeover_ms / 3));
}

/* --- life cycle */

struct consumer *consumer_new(struct loop *loop,
                              const struct consumer_options *options,
                              char *error, size_t error_size)
{
    struct consumer *c = mem_zalloc(sizeof *c);

    c->o = *options;
    c->usual_bytes = USUAL_BYTES;
    c->stream = entry_stream(options->kind);
    c->reader = redis_new(loop, options->redis_url, READER_DEADLINE_MS, error,
                          error_size);
    if (!c->reader) {
        free(c);
        return NULL;
    }
    redis_on_state(c->reader, on_reader, c);
    c->again = loop_timer_new(loop, read_again, c);
    c->heartbeat = loop_timer_new(loop, on_heartbeat, c);
    loop_timer_start(c->heartbeat, 0);
    return c;
}

void consumer_free(struct consumer *c)
{
    if (!c)
        return;
    c->stopped = true;
    redis_free(c->reader);
    while (c->held)
        let_go(c, c->held);
    loop_timer_free(c->again);
    loop_timer_free(c->heartbeat);
    free(c);
}

void consumer_pause(struct consumer *c, bool paused)
{
    c->paused = paused;
    read_more(c);
}

void consumer_stop(struct consumer *c)
{
    c->stopped = true;
}

bool consumer_is_idle(const struct consumer *c)
{
    return c->stopped && !c->reading && !c->claiming && c->held_count == 0;
}

static void send_ids(struct consumer *c, const char *command, bool with_group,
                     struct entry **entries, size_t count)
{
    struct redis_arg *argv = mem_alloc((3 + count) * sizeof *argv);
    size_t n = 0;

    argv[n++] = REDIS_TEXT(command);
    argv[n++] = REDIS_TEXT(c->stream);
    if (with_group)
        argv[n++] = REDIS_TEXT(STREAM_GROUP);
    for (size_t i = 0; i < count; i++)
        argv[n++] = REDIS_TEXT(entries[i]->id);
    redis_command(c->o.writer, NULL, NULL, n, argv);
    free(argv);
}

void consumer_acknowledge(struct consumer *c, struct entry **entries,
                          size_t count)
{
    if (count == 0)
        return;
    redis_command(c->o.writer, NULL, NULL, 1,
                  (struct redis_arg[]){ REDIS_TEXT("MULTI") });
    send_ids(c, "XACK", true, entries, count);
    send_ids(c, "XDEL", false, entries, count);
    redis_command(c->o.writer, NULL, NULL, 1,
                  (struct redis_arg[]){ REDIS_TEXT("EXEC") });
    for (size_t i = 0; i < count; i++)
        let_go(c, entries[i]);
    read_more(c);
}

struct redis *consumer_redis(const struct consumer *c)
{
    return c->o.writer;
}

const char *consumer_shard(const struct consumer *c)
{
    return c->o.shard;
}

enum entry_kind consumer_kind(const struct consumer *c)
{
    return c->o.kind;
}

size_t consumer_in_hand(const struct consumer *c)
{
    return c->held_count;
}
