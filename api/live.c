#include "api/live.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/counters.h"
#include "api/history.h"
#include "api/live_entries.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/shards.h"
#include "common/streams.h"

enum {
    ENTRIES_MAX = DOCUMENTS_MAX, /* in one read */
    BLOCK_MS = 5000,
    /* Beyond it the connection counts as dead: the block and its answer. */
    DEADLINE_MS = BLOCK_MS + 5000,
    RETRY_MS = 1000,
    /* Between two reads: what comes meanwhile shares one query.  Nobody sees a
     * hundredth of a second, and each read costs as much as ten clients. */
    GATHER_MS = 10,
};

enum reader_state {
    READER_AWAY,    /* not connected, or not yet asked where the stream is */
    READER_LOADING, /* reading what was there before us */
    READER_UP,
};

/* The live stream of one Redis. */
struct reader {
    struct live *live;
    struct redis *redis;
    struct loop_timer *retry; /* or the next read */
    struct history *history;
    struct entry_id *position; /* of what has been told */
    enum reader_state state;
    bool reading; /* a command or its query is under way */
    bool loaded;  /* once; from then on what it missed is told */
    struct live_entry batch[ENTRIES_MAX];
    size_t batch_count;
};

struct live {
    struct reader *readers;
    struct history histories[SHARDS_MAX];
    size_t count;
    struct db *db;
    struct hub *hub;
    struct metrics *metrics;
};

static void read_next(struct reader *r);
static void read_soon(struct reader *r);

/* --- telling */

static void finish(struct reader *r, size_t entry)
{
    const struct live_entry *c = &r->batch[entry];

    history_add(r->history, c->id, *c->job ? c->job : NULL);
    *r->position = c->id;
}

/* Entry by entry, so that each event has the id of its own. */
static void on_changed(const struct db_result *result, void *arg)
{
    struct reader *r = arg;
    size_t rows = 0;
    bool told[DOCUMENTS_MAX] = { false };

    if (db_result_status(result) == DB_OK)
        rows = db_rows(result);
    else
        log_warning(NULL,
                    "could not look up what changed: %s; followers hear of it "
                    "a little later",
                    db_result_error(result));
    for (size_t i = 0; i < r->batch_count; i++) {
        size_t row = rows > 0 ? documents_find(result, r->batch[i].job) : 0;

        finish(r, i);
        if (row >= rows || told[row])
            continue;
        told[row] = true;
        hub_tell(r->live->hub, result, row);
    }
    if (db_result_status(result) != DB_OK)
        hub_resync(r->live->hub);
    r->reading = false;
    read_soon(r);
}

/* Asks the database about those that somebody follows. */
static void tell_batch(struct reader *r)
{
    struct live *l = r->live;
    const char *values[1];
    struct buf jobs;
    bool any = false;

    buf_init(&jobs, DOCUMENTS_ARRAY_BYTES);
    db_array_begin(&jobs);
    for (size_t i = 0; i < r->batch_count && r->loaded; i++) {
        const char *job = r->batch[i].job;

        if (*job && hub_wants(l->hub, job)) {
            db_array_add(&jobs, job);
            any = true;
        }
    }
    db_array_end(&jobs);
    values[0] = jobs.data;
    if (any) {
        r->reading = true;
        db_call(l->db, &documents_statement, values, 1, on_changed, r);
    } else {
        for (size_t i = 0; i < r->batch_count; i++)
            finish(r, i);
    }
    buf_release(&jobs);
}

/* --- the stream */

/* True when the reading may go on at once. */
static bool reply_is_fine(struct reader *r, const redisReply *reply)
{
    const char *error = reply ? redis_reply_error(reply) : NULL;

    r->reading = false;
    if (!reply)
        return false; /* on_state() goes on */
    if (!error)
        return true;
    log_warning(NULL, "could not read \"%s\": %s; trying again", STREAM_LIVE,
                error);
    loop_timer_start(r->retry, RETRY_MS);
    return false;
}

/* What came between is not known, neither to us nor for those who come back. */
static void lose(struct reader *r, struct entry_id floor)
{
    if (r->loaded) {
        log_warning(LOG_WITH({ "redis", redis_name(r->redis) }),
                    "live entries were lost: looking everything up");
        metric_add(r->live->metrics, COUNTER_LIVE_GAPS, 1);
        hub_resync(r->live->hub);
    }
    history_clear(r->history, floor);
    *r->position = floor;
}

static void on_loaded(struct reader *r)
{
    struct live *l = r->live;
    bool all = true;

    r->state = READER_UP;
    if (r->loaded)
        return;
    r->loaded = true;
    hub_resync(l->hub); /* whoever was here before us */
    for (size_t i = 0; i < l->count; i++)
        all &= l->readers[i].loaded;
    hub_position_known(l->hub, all);
}

static struct entry_id just_before(struct entry_id id)
{
    if (id.n > 0)
        return (struct entry_id){ id.ms, id.n - 1 };
    return (struct entry_id){ id.ms > 0 ? id.ms - 1 : 0, UINT64_MAX };
}

/* With the entry gone that we had read last, others may be gone as well: the
 * stream was wiped, or grew by more than it keeps. */
static void look_for_gap(struct reader *r, struct entry_id oldest)
{
    const struct entry_id none = { 0 };
    bool was_empty = entry_id_compare(*r->position, none) == 0;

    if (entry_id_compare(oldest, none) == 0 && !was_empty)
        lose(r, none);
    else if (entry_id_compare(oldest, *r->position) > 0 &&
             (!was_empty || !r->loaded))
        lose(r, just_before(oldest));
}

static void on_entries(const redisReply *reply, void *arg)
{
    struct reader *r = arg;

    r->batch_count = 0;
    if (!reply_is_fine(r, reply))
        return;
    r->reading = true; /* until we know what is oldest */
    r->batch_count = live_entries_read(reply, r->batch, ENTRIES_MAX);
    metric_add(r->live->metrics, COUNTER_LIVE_ENTRIES, (int64_t)r->batch_count);
}

static void on_oldest(const redisReply *reply, void *arg)
{
    struct reader *r = arg;
    struct entry_id oldest = *r->position;
    struct entry_id first;

    if (!r->reading || !reply_is_fine(r, reply))
        return;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 0)
        oldest = (struct entry_id){ 0 };
    else if (reply->type == REDIS_REPLY_ARRAY &&
             live_entry_id(reply->element[0], &first))
        oldest = first;
    look_for_gap(r, oldest);
    tell_batch(r);
    if (r->state == READER_LOADING && r->batch_count < ENTRIES_MAX)
        on_loaded(r);
    read_soon(r);
}

/* Asked after each connection: an id behind the newest one means that this
 * Redis has lost what it had. */
static void on_newest(const redisReply *reply, void *arg)
{
    struct reader *r = arg;
    struct entry_id newest = { 0 };

    if (!reply_is_fine(r, reply))
        return;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
        !live_entry_id(reply->element[0], &newest))
        newest = (struct entry_id){ 0 };
    if (entry_id_compare(newest, *r->position) < 0)
        lose(r, newest);
    r->state = r->loaded ? READER_UP : READER_LOADING;
    read_next(r);
}

static void ask_newest(struct reader *r)
{
    redis_command(r->redis, on_newest, r, 6,
                  (struct redis_arg[]){ REDIS_TEXT("XREVRANGE"),
                                        REDIS_TEXT(STREAM_LIVE),
                                        REDIS_TEXT("+"), REDIS_TEXT("-"),
                                        REDIS_TEXT("COUNT"), REDIS_TEXT("1") });
}

/* While loading nothing waits; later the read waits for entries. */
static void read_entries(struct reader *r)
{
    char position[STREAM_ID_SIZE], block[16], count[16];

    snprintf(position, sizeof position, "%" PRIu64 "-%" PRIu64, r->position->ms,
             r->position->n);
    snprintf(block, sizeof block, "%d",
             r->state == READER_LOADING ? 1 : BLOCK_MS);
    snprintf(count, sizeof count, "%d", ENTRIES_MAX);
    redis_command(
        r->redis, on_entries, r, 8,
        (struct redis_arg[]){ REDIS_TEXT("XREAD"), REDIS_TEXT("COUNT"),
                              REDIS_TEXT(count), REDIS_TEXT("BLOCK"),
                              REDIS_TEXT(block), REDIS_TEXT("STREAMS"),
                              REDIS_TEXT(STREAM_LIVE), REDIS_TEXT(position) });
    redis_command(r->redis, on_oldest, r, 6,
                  (struct redis_arg[]){ REDIS_TEXT("XRANGE"),
                                        REDIS_TEXT(STREAM_LIVE),
                                        REDIS_TEXT("-"), REDIS_TEXT("+"),
                                        REDIS_TEXT("COUNT"), REDIS_TEXT("1") });
}

static void read_next(struct reader *r)
{
    if (r->reading || !redis_is_up(r->redis))
        return;
    r->reading = true;
    if (r->state == READER_AWAY)
        ask_newest(r);
    else
        read_entries(r);
}

/* The first entry after a pause is read at once, as the read waits for it. */
static void read_soon(struct reader *r)
{
    bool gathers = r->state == READER_UP && r->batch_count > 0 &&
                   r->batch_count < ENTRIES_MAX;

    if (r->reading)
        return;
    if (gathers)
        loop_timer_start(r->retry, GATHER_MS);
    else
        read_next(r);
}

static void on_retry(void *arg)
{
    read_next(arg);
}

static void on_state(bool up, void *arg)
{
    struct reader *r = arg;

    r->state = READER_AWAY;
    if (up)
        read_next(r);
}

/* --- life cycle */

static int add_reader(struct live *l, struct loop *loop, const char *url,
                      char *error, size_t error_size)
{
    struct reader *r = &l->readers[l->count];

    r->redis = redis_new(loop, url, DEADLINE_MS, error, error_size);
    if (!r->redis)
        return -1;
    r->live = l;
    r->history = &l->histories[l->count];
    history_init(r->history);
    r->retry = loop_timer_new(loop, on_retry, r);
    redis_on_state(r->redis, on_state, r);
    l->count++;
    return 0;
}

struct live *live_new(struct loop *loop, const char *redis_urls, struct db *db,
                      struct metrics *metrics, char *error, size_t error_size)
{
    struct live *l = mem_zalloc(sizeof *l);
    struct shard_urls urls = { 0 };
    int rc = shard_urls_parse(&urls, redis_urls, error, error_size);

    *l = (struct live){ .db = db, .metrics = metrics };
    l->readers = mem_zalloc(SHARDS_MAX * sizeof *l->readers);
    for (size_t i = 0; rc == 0 && i < urls.count; i++)
        rc = add_reader(l, loop, urls.items[i], error, error_size);
    shard_urls_release(&urls);
    if (rc != 0) {
        live_free(l);
        return NULL;
    }
    l->hub = hub_new(loop, db, metrics, l->histories, l->count);
    for (size_t i = 0; i < l->count; i++)
        l->readers[i].position = &hub_position(l->hub)->at[i];
    return l;
}

void live_free(struct live *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->count; i++) {
        redis_free(l->readers[i].redis);
        loop_timer_free(l->readers[i].retry);
        history_release(&l->histories[i]);
    }
    hub_free(l->hub);
    free(l->readers);
    free(l);
}

struct hub *live_hub(struct live *l)
{
    return l->hub;
}

bool live_is_read(const struct live *l)
{
    size_t loaded = 0;

    for (size_t i = 0; i < l->count; i++) {
        if (l->readers[i].loaded)
            loaded++;
        else if (redis_is_up(l->readers[i].redis))
            return false;
    }
    return loaded > 0;
}
