#include "ingest/waitaof.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/mem.h"

/* How long a sync may take: one a second is due, disks stall. */
enum { SYNC_MS = 3000 };

struct entry {
    struct entry *next;
    struct waitaof *owner;
    stream_added_fn *fn;
    void *arg;
    char id[STREAM_ID_SIZE];
};

struct waitaof {
    struct redis *redis;
    struct entry *added; /* answered by Redis, not yet known to be on disk */
    struct entry **end;
    bool waiting; /* for a WAITAOF */
};

static void finish(struct entry *e, const char *error)
{
    e->fn(error ? NULL : e->id, error, e->arg);
    free(e);
}

static const char *problem_of(const redisReply *reply)
{
    if (!reply)
        return "no answer from redis";
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 ||
        reply->element[0]->type != REDIS_REPLY_INTEGER)
        return redis_reply_error(reply) ? reply->str : "unexpected answer";
    return reply->element[0]->integer >= 1 ? NULL
                                           : "not on disk within the deadline";
}

/* Redis answers in order: whatever it added before is on disk, too. */
static void on_synced(const redisReply *reply, void *arg)
{
    struct waitaof *w = arg;
    const char *problem = problem_of(reply);
    struct entry *e = w->added;

    w->added = NULL;
    w->end = &w->added;
    w->waiting = false;
    while (e) {
        struct entry *next = e->next;

        finish(e, problem);
        e = next;
    }
}

static void wait_for_sync(struct waitaof *w)
{
    char timeout[DECIMAL_SIZE];

    decimal_encode(SYNC_MS, timeout);
    w->waiting = true;
    redis_command(w->redis, on_synced, w, 4,
                  (struct redis_arg[]){ REDIS_TEXT("WAITAOF"), REDIS_TEXT("1"),
                                        REDIS_TEXT("0"), REDIS_TEXT(timeout) });
}

static void on_added(const char *id, const char *error, void *arg)
{
    struct entry *e = arg;
    struct waitaof *w = e->owner;

    if (error) {
        finish(e, error);
        return;
    }
    snprintf(e->id, sizeof e->id, "%s", id);
    *w->end = e;
    w->end = &e->next;
    if (!w->waiting)
        wait_for_sync(w);
}

struct waitaof *waitaof_new(struct loop *loop, const char *url,
                            int64_t deadline_ms)
{
    struct waitaof *w = mem_zalloc(sizeof *w);
    char error[256];

    w->end = &w->added;
    w->redis = redis_new(loop, url, SYNC_MS + deadline_ms, error, sizeof error);
    assert(w->redis);
    return w;
}

void waitaof_free(struct waitaof *w)
{
    if (!w)
        return;
    redis_free(w->redis);
    free(w);
}

bool waitaof_is_up(const struct waitaof *w)
{
    return redis_is_up(w->redis);
}

void waitaof_add(struct waitaof *w, const char *stream,
                 const struct stream_field *fields, size_t count,
                 stream_added_fn *fn, void *arg)
{
    struct entry *e = mem_alloc(sizeof *e);

    *e = (struct entry){ .owner = w, .fn = fn, .arg = arg };
    stream_add(w->redis, stream, fields, count, on_added, e);
}
