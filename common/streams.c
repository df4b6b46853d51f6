#include "common/streams.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { FIELDS_MAX = 16 };

struct added {
    stream_added_fn *fn;
    void *arg;
};

static void on_added(const redisReply *reply, void *arg)
{
    struct added *a = arg;
    const char *error = NULL;

    if (!reply)
        error = "no answer from redis";
    else if (reply->type != REDIS_REPLY_STRING ||
             (size_t)reply->len >= STREAM_ID_SIZE)
        error = redis_reply_error(reply) ? reply->str : "unexpected answer";
    if (a->fn)
        a->fn(error ? NULL : reply->str, error, a->arg);
    free(a);
}

void stream_add(struct redis *r, const char *stream,
                const struct stream_field *fields, size_t count,
                stream_added_fn *fn, void *arg)
{
    struct redis_arg argv[6 + 2 * FIELDS_MAX];
    struct added *a = mem_alloc(sizeof *a);
    char length[16];
    size_t n = 0;

    assert(count <= FIELDS_MAX);
    *a = (struct added){ .fn = fn, .arg = arg };
    argv[n++] = REDIS_TEXT("XADD");
    argv[n++] = REDIS_TEXT(stream);
    if (strcmp(stream, STREAM_LIVE) == 0 ||
        strcmp(stream, STREAM_REFUSALS) == 0) {
        snprintf(length, sizeof length, "%d", STREAM_CAPPED_LENGTH);
        argv[n++] = REDIS_TEXT("MAXLEN");
        argv[n++] = REDIS_TEXT("~");
        argv[n++] = REDIS_TEXT(length);
    }
    argv[n++] = REDIS_TEXT("*");
    for (size_t i = 0; i < count; i++) {
        argv[n++] = REDIS_TEXT(fields[i].name);
        argv[n++] = (struct redis_arg){ fields[i].ptr, fields[i].len };
    }
    redis_command(r, on_added, a, n, argv);
}

struct oldest {
    stream_oldest_fn *fn;
    void *arg;
};

static void on_oldest(const redisReply *reply, void *arg)
{
    struct oldest *o = arg;
    int64_t ms = -1;

    if (reply && reply->type == REDIS_REPLY_ARRAY) {
        ms = INT64_MAX;
        if (reply->elements > 0 &&
            reply->element[0]->type == REDIS_REPLY_ARRAY &&
            reply->element[0]->elements > 0 &&
            reply->element[0]->element[0]->type == REDIS_REPLY_STRING)
            ms = stream_id_ms(reply->element[0]->element[0]->str);
    }
    o->fn(ms, o->arg);
    free(o);
}

void stream_oldest(struct redis *r, const char *stream, stream_oldest_fn *fn,
                   void *arg)
{
    struct oldest *o = mem_alloc(sizeof *o);
    struct redis_arg argv[] = { REDIS_TEXT("XRANGE"), REDIS_TEXT(stream),
                                REDIS_TEXT("-"),      REDIS_TEXT("+"),
                                REDIS_TEXT("COUNT"),  REDIS_TEXT("1") };

    *o = (struct oldest){ .fn = fn, .arg = arg };
    redis_command(r, on_oldest, o, ARRAY_LEN(argv), argv);
}

struct length {
    stream_length_fn *fn;
    void *arg;
};

static void on_length(const redisReply *reply, void *arg)
{
    struct length *l = arg;

    l->fn(reply && reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1,
          l->arg);
    free(l);
}

void stream_length(struct redis *r, const char *stream, stream_length_fn *fn,
                   void *arg)
{
    struct length *l = mem_alloc(sizeof *l);

    *l = (struct length){ .fn = fn, .arg = arg };
    redis_command(
        r, on_length, l, 2,
        (struct redis_arg[]){ REDIS_TEXT("XLEN"), REDIS_TEXT(stream) });
}

int64_t stream_id_ms(const char *id)
{
    char *end = NULL;
    long long ms = strtoll(id, &end, 10);

    return end != id && *end == '-' && ms >= 0 ? ms : -1;
}
