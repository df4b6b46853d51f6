#include "api/live.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/counters.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/shards.h"
#include "common/streams.h"
#include "common/token.h"

enum {
    ENTRIES_MAX = 100, /* in one read */
    BLOCK_MS = 5000,
    /* Beyond it the connection counts as dead: the block and its answer. */
    DEADLINE_MS = BLOCK_MS + 5000,
    RETRY_MS = 1000,
    UUID_SIZE = 37,
    ARRAY_MAX_BYTES = (API_SUBSCRIBERS_MAX + ENTRIES_MAX) * (UUID_SIZE + 3),
};

/* The live stream of one Redis. */
struct reader {
    struct live *live;
    struct redis *redis;
    struct loop_timer *retry;
    bool reading; /* a command or its query is under way */
    char position[STREAM_ID_SIZE];
};

struct live {
    struct reader readers[SHARDS_MAX];
    size_t count;
    struct db *db;
    struct subscribers *subscribers;
    struct metrics *metrics;
    struct loop_timer *beat;
    bool catching_up;              /* the query for everybody is under way */
    char position[STREAM_ID_SIZE]; /* of the last entry read, from any */
};

static const struct db_statement changed_statement = {
    "api_changed",
    "select d.id::text, status, document from capture_documents d "
    "where d.id = any ($1::uuid[]) order by d.id",
};

static void read_next(struct reader *r);

static void tell(struct live *l, const struct db_result *result)
{
    if (db_result_status(result) != DB_OK) {
        log_warning(NULL,
                    "could not look up what changed: %s; subscribers hear of "
                    "it at the next heart-beat",
                    db_result_error(result));
        return;
    }
    for (size_t i = 0; i < db_rows(result); i++) {
        struct news news = { .job = db_value(result, i, 0),
                             .status = db_value(result, i, 1),
                             .document = db_value(result, i, 2),
                             .position = l->position };

        subscribers_tell(l->subscribers, &news);
    }
}

static void on_changed(const struct db_result *result, void *arg)
{
    struct reader *r = arg;

    tell(r->live, result);
    r->reading = false;
    read_next(r);
}

/* --- the stream */

/* The value of the field `job`; NULL when the entry is none of ours. */
static const char *job_of(const redisReply *entry)
{
    const redisReply *fields;

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
        entry->element[0]->type != REDIS_REPLY_STRING ||
        entry->element[1]->type != REDIS_REPLY_ARRAY)
        return NULL;
    fields = entry->element[1];
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const redisReply *name = fields->element[i];
        const redisReply *value = fields->element[i + 1];

        if (name->type == REDIS_REPLY_STRING &&
            value->type == REDIS_REPLY_STRING && strcmp(name->str, "job") == 0)
            return uuid_is_valid(value->str) ? value->str : NULL;
    }
    return NULL;
}

/* [[stream, [entry…]]] of XREAD; NULL when nothing came. */
static const redisReply *entries_of(const redisReply *reply)
{
    const redisReply *stream;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0)
        return NULL;
    stream = reply->element[0];
    if (stream->type != REDIS_REPLY_ARRAY || stream->elements != 2 ||
        stream->element[1]->type != REDIS_REPLY_ARRAY)
        return NULL;
    return stream->element[1];
}

static void remember_position(struct reader *r, const redisReply *entry)
{
    if (entry->type != REDIS_REPLY_ARRAY || entry->elements == 0 ||
        entry->element[0]->type != REDIS_REPLY_STRING)
        return;
    snprintf(r->position, sizeof r->position, "%s", entry->element[0]->str);
    snprintf(r->live->position, sizeof r->live->position, "%s", r->position);
}

/* Asks the database about those that somebody waits for; false if nobody does.
 */
static bool ask(struct reader *r, const redisReply *entries)
{
    struct live *l = r->live;
    struct buf jobs;
    const char *values[1];
    bool any = false;

    buf_init(&jobs, ARRAY_MAX_BYTES);
    db_array_begin(&jobs);
    for (size_t i = 0; i < entries->elements && i < ENTRIES_MAX; i++) {
        const char *job = job_of(entries->element[i]);

        if (job && subscribers_want(l->subscribers, job)) {
            db_array_add(&jobs, job);
            any = true;
        }
    }
    db_array_end(&jobs);
    values[0] = jobs.data;
    if (any)
        db_call(l->db, &changed_statement, values, 1, on_changed, r);
    buf_release(&jobs);
    return any;
}

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

static void on_entries(const redisReply *reply, void *arg)
{
    struct reader *r = arg;
    const redisReply *entries;

    if (!reply_is_fine(r, reply))
        return;
    entries = entries_of(reply);
    if (entries && entries->elements > 0) {
        remember_position(r, entries->element[entries->elements - 1]);
        metric_add(r->live->metrics, COUNTER_LIVE_ENTRIES,
                   (int64_t)entries->elements);
        r->reading = true;
        if (ask(r, entries))
            return;
        r->reading = false;
    }
    read_next(r);
}

/* The newest entry, from which we go on: "$" would miss what comes between two
 * reads. */
static void on_newest(const redisReply *reply, void *arg)
{
    struct reader *r = arg;

    if (!reply_is_fine(r, reply))
        return;
    snprintf(r->position, sizeof r->position, "0-0");
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0)
        remember_position(r, reply->element[0]);
    read_next(r);
}

static void read_next(struct reader *r)
{
    char block[16], count[16];

    if (r->reading || !redis_is_up(r->redis))
        return;
    r->reading = true;
    snprintf(block, sizeof block, "%d", BLOCK_MS);
    snprintf(count, sizeof count, "%d", ENTRIES_MAX);
    if (!r->position[0])
        redis_command(r->redis, on_newest, r, 6,
                      (struct redis_arg[]){
                          REDIS_TEXT("XREVRANGE"), REDIS_TEXT(STREAM_LIVE),
                          REDIS_TEXT("+"), REDIS_TEXT("-"), REDIS_TEXT("COUNT"),
                          REDIS_TEXT("1") });
    else
        redis_command(r->redis, on_entries, r, 8,
                      (struct redis_arg[]){
                          REDIS_TEXT("XREAD"), REDIS_TEXT("COUNT"),
                          REDIS_TEXT(count), REDIS_TEXT("BLOCK"),
                          REDIS_TEXT(block), REDIS_TEXT("STREAMS"),
                          REDIS_TEXT(STREAM_LIVE), REDIS_TEXT(r->position) });
}

static void on_retry(void *arg)
{
    read_next(arg);
}

/* --- what the stream did not tell */

static void on_caught_up(const struct db_result *result, void *arg)
{
    struct live *l = arg;

    l->catching_up = false;
    tell(l, result);
}

static void catch_up(struct live *l)
{
    struct buf jobs;
    const char *values[1];

    if (l->catching_up)
        return;
    buf_init(&jobs, ARRAY_MAX_BYTES);
    if (subscribers_jobs(l->subscribers, &jobs) > 0) {
        values[0] = jobs.data;
        l->catching_up = true;
        db_call(l->db, &changed_statement, values, 1, on_caught_up, l);
    }
    buf_release(&jobs);
}

static void on_beat(void *arg)
{
    struct live *l = arg;

    subscribers_beat(l->subscribers);
    catch_up(l);
    loop_timer_start(l->beat, LIVE_BEAT_MS);
}

static void on_state(bool up, void *arg)
{
    struct reader *r = arg;

    if (!up)
        return;
    catch_up(r->live); /* entries may have been lost with Redis */
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
    r->retry = loop_timer_new(loop, on_retry, r);
    redis_on_state(r->redis, on_state, r);
    l->count++;
    return 0;
}

struct live *live_new(struct loop *loop, const char *redis_urls, struct db *db,
                      struct subscribers *subscribers, struct metrics *metrics,
                      char *error, size_t error_size)
{
    struct live *l = mem_zalloc(sizeof *l);
    struct shard_urls urls;
    int rc = shard_urls_parse(&urls, redis_urls, error, error_size);

    *l = (struct live){ .db = db,
                        .subscribers = subscribers,
                        .metrics = metrics };
    for (size_t i = 0; rc == 0 && i < urls.count; i++)
        rc = add_reader(l, loop, urls.items[i], error, error_size);
    shard_urls_release(&urls);
    if (rc != 0) {
        live_free(l);
        return NULL;
    }
    l->beat = loop_timer_new(loop, on_beat, l);
    loop_timer_start(l->beat, LIVE_BEAT_MS);
    return l;
}

void live_free(struct live *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->count; i++) {
        redis_free(l->readers[i].redis);
        loop_timer_free(l->readers[i].retry);
    }
    loop_timer_free(l->beat);
    free(l);
}

const char *live_position(const struct live *l)
{
    return l->position;
}
