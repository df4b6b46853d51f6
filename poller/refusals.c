#include "poller/refusals.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/streams.h"

#define ENTRIES_MAX "1000"
enum { COLUMNS = 4, ARRAY_MAX_BYTES = 1024 * 1024, COLLECT_MS = 5000 };

static const struct db_statement statement = {
    "record_refusals", "select record_refusals($1, $2, $3, $4, $5)"
};

struct refusals {
    struct loop_timer *timer;
    struct db *db;
    struct shards *shards;
};

/* Entries of one server, on their way. */
struct batch {
    struct redis *redis;
    struct db *db;
    struct buf columns[COLUMNS]; /* ids, providers, outcomes, counts */
    char **ids;
    size_t count;
};

static void batch_free(struct batch *b)
{
    for (size_t i = 0; i < COLUMNS; i++)
        buf_release(&b->columns[i]);
    for (size_t i = 0; i < b->count; i++)
        free(b->ids[i]);
    free(b->ids);
    free(b);
}

static void on_recorded(const struct db_result *r, void *arg)
{
    struct batch *b = arg;

    if (db_result_status(r) == DB_OK) {
        struct redis_arg *argv = mem_alloc((2 + b->count) * sizeof *argv);

        argv[0] = REDIS_TEXT("XDEL");
        argv[1] = REDIS_TEXT(STREAM_REFUSALS);
        for (size_t i = 0; i < b->count; i++)
            argv[2 + i] = REDIS_TEXT(b->ids[i]);
        redis_command(b->redis, NULL, NULL, 2 + b->count, argv);
        free(argv);
    } else {
        log_warning(NULL, "could not record what ingest refused: %s",
                    db_result_error(r));
    }
    batch_free(b);
}

static const char *field(const redisReply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        if (strcmp(fields->element[i]->str, name) == 0)
            return fields->element[i + 1]->str;
    }
    return NULL;
}

/* [id, [field, value …]]; an entry of another make is deleted uncounted. */
static void take(struct batch *b, const redisReply *entry)
{
    const redisReply *fields = entry->element[1];
    const char *provider = field(fields, "provider");
    const char *outcome = field(fields, "outcome");
    const char *count = field(fields, "count");

    b->ids[b->count++] = mem_strdup(entry->element[0]->str);
    if (!provider || !outcome || !count || strlen(provider) > 64 ||
        strlen(outcome) > 64 || strlen(count) > 9 ||
        count[strspn(count, "0123456789")] != '\0' || !*count)
        return;
    db_array_add(&b->columns[0], entry->element[0]->str);
    db_array_add(&b->columns[1], provider);
    db_array_add(&b->columns[2], outcome);
    db_array_add(&b->columns[3], count);
}

static void on_entries(const redisReply *reply, void *arg)
{
    struct batch *b = arg;
    const char *values[1 + COLUMNS] = { redis_name(b->redis) };

    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        batch_free(b);
        return;
    }
    b->ids = mem_resize_array(NULL, reply->elements, sizeof *b->ids);
    for (size_t i = 0; i < reply->elements; i++)
        take(b, reply->element[i]);
    for (size_t i = 0; i < COLUMNS; i++) {
        db_array_end(&b->columns[i]);
        values[1 + i] = b->columns[i].data;
    }
    db_call(b->db, &statement, values, ARRAY_LEN(values), on_recorded, b);
}

static void read_one(struct redis *redis, struct db *db)
{
    struct batch *b = mem_zalloc(sizeof *b);

    b->redis = redis;
    b->db = db;
    for (size_t i = 0; i < COLUMNS; i++) {
        buf_init(&b->columns[i], ARRAY_MAX_BYTES);
        db_array_begin(&b->columns[i]);
    }
    redis_command(
        redis, on_entries, b, 6,
        (struct redis_arg[]){ REDIS_TEXT("XRANGE"), REDIS_TEXT(STREAM_REFUSALS),
                              REDIS_TEXT("-"), REDIS_TEXT("+"),
                              REDIS_TEXT("COUNT"), REDIS_TEXT(ENTRIES_MAX) });
}

static void collect(void *arg)
{
    struct refusals *f = arg;

    loop_timer_start(f->timer, COLLECT_MS);
    if (!db_is_up(f->db))
        return;
    for (size_t i = 0; i < shards_count(f->shards); i++) {
        if (redis_is_up(shards_at(f->shards, i)))
            read_one(shards_at(f->shards, i), f->db);
    }
}

struct refusals *refusals_new(struct loop *loop, struct db *db,
                              struct shards *shards)
{
    struct refusals *f = mem_zalloc(sizeof *f);

    *f = (struct refusals){ .db = db, .shards = shards };
    f->timer = loop_timer_new(loop, collect, f);
    loop_timer_start(f->timer, COLLECT_MS / 10);
    return f;
}

void refusals_free(struct refusals *f)
{
    if (!f)
        return;
    loop_timer_free(f->timer);
    free(f);
}
