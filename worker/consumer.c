#include "worker/consumer.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/stream_group.h"
#include "worker/in_hand.h"
#include "worker/takeover.h"
#include "worker/worker_metrics.h"

enum {
    BLOCK_MS = 1000,
    READER_DEADLINE_MS = BLOCK_MS + 3000,
    READ_COUNT = 200,
    RETRY_MS = 200,
};

struct consumer {
    struct consumer_options o;
    struct redis *reader; /* blocks in XREADGROUP */
    const char *stream;
    struct takeover *takeover;
    struct in_hand in_hand;
    bool stopped;
    bool paused;
    bool reading;
    struct loop_timer *again; /* next read after an error */
};

static void read_more(struct consumer *c);

/* takeover_fn */
static void hand_out(struct entry *e, void *arg)
{
    struct consumer *c = arg;

    e->consumer = c;
    in_hand_add(&c->in_hand, e);
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
        hand_out(e, c);
    }
    in_hand_expect(&c->in_hand, entries->elements, bytes);
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
    size_t most = in_hand_room(&c->in_hand);

    if (most > READ_COUNT)
        most = READ_COUNT;
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

/* --- life cycle */

struct consumer *consumer_new(struct loop *loop,
                              const struct consumer_options *options,
                              char *error, size_t error_size)
{
    struct consumer *c = mem_zalloc(sizeof *c);

    c->o = *options;
    in_hand_init(&c->in_hand, options->window, options->metrics);
    c->stream = entry_stream(options->kind);
    c->reader = redis_new(loop, options->redis_url, READER_DEADLINE_MS, error,
                          error_size);
    if (!c->reader) {
        free(c);
        return NULL;
    }
    redis_on_state(c->reader, on_reader, c);
    c->again = loop_timer_new(loop, read_again, c);
    c->takeover = takeover_new(
        loop, &(struct takeover_options){ .redis = options->writer,
                                          .stream = c->stream,
                                          .name = options->name,
                                          .kind = options->kind,
                                          .idle_ms = options->takeover_ms,
                                          .in_hand = &c->in_hand,
                                          .fn = hand_out,
                                          .arg = c,
                                          .metrics = options->metrics });
    return c;
}

void consumer_free(struct consumer *c)
{
    if (!c)
        return;
    c->stopped = true;
    redis_free(c->reader);
    in_hand_release(&c->in_hand);
    takeover_free(c->takeover);
    loop_timer_free(c->again);
    free(c);
}

void consumer_pause(struct consumer *c, bool paused)
{
    c->paused = paused;
    takeover_pause(c->takeover, c->paused || c->stopped);
    read_more(c);
}

void consumer_stop(struct consumer *c)
{
    c->stopped = true;
    takeover_pause(c->takeover, true);
}

bool consumer_is_idle(const struct consumer *c)
{
    return c->stopped && !c->reading && !takeover_is_busy(c->takeover) &&
           c->in_hand.count == 0;
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
        in_hand_remove(&c->in_hand, entries[i]);
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
    return c->in_hand.count;
}
