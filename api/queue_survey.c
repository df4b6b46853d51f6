#include "api/queue_survey.h"

#include <stdlib.h>

#include "common/mem.h"
#include "common/streams.h"

static const struct {
    const char *name;
    const char *stream;
} streams[QUEUE_STREAMS] = {
    { "submit", STREAM_SUBMIT },
    { "webhook", STREAM_WEBHOOK },
    { "callback", STREAM_CALLBACK },
};

struct queue_survey {
    queue_survey_fn *fn; /* NULL: abandoned */
    void *arg;
    size_t outstanding;
    struct queue_numbers numbers;
};

/* One question about one stream. */
struct question {
    struct queue_survey *survey;
    size_t stream;
};

static void done(struct queue_survey *s)
{
    if (--s->outstanding > 0)
        return;
    if (s->fn)
        s->fn(&s->numbers, s->arg);
    free(s);
}

static struct question *ask(struct queue_survey *s, size_t stream)
{
    struct question *q = mem_alloc(sizeof *q);

    *q = (struct question){ .survey = s, .stream = stream };
    s->outstanding++;
    return q;
}

static void on_length(int64_t length, void *arg)
{
    struct question *q = arg;

    if (length > 0)
        q->survey->numbers.streams[q->stream].length += length;
    done(q->survey);
    free(q);
}

static void on_oldest(int64_t oldest_ms, void *arg)
{
    struct question *q = arg;
    int64_t *known_ms = &q->survey->numbers.streams[q->stream].oldest_ms;

    if (oldest_ms >= 0 && oldest_ms < *known_ms)
        *known_ms = oldest_ms;
    done(q->survey);
    free(q);
}

struct queue_survey *queue_survey_new(queue_survey_fn *fn, void *arg)
{
    struct queue_survey *s = mem_zalloc(sizeof *s);

    *s = (struct queue_survey){ .fn = fn, .arg = arg, .outstanding = 1 };
    for (size_t i = 0; i < QUEUE_STREAMS; i++) {
        s->numbers.streams[i].name = streams[i].name;
        s->numbers.streams[i].oldest_ms = INT64_MAX;
    }
    return s;
}

static void ask_one(struct queue_survey *s, struct redis *redis)
{
    for (size_t i = 0; i < QUEUE_STREAMS; i++) {
        stream_length(redis, streams[i].stream, on_length, ask(s, i));
        stream_oldest(redis, streams[i].stream, on_oldest, ask(s, i));
    }
}

void queue_survey_start(struct queue_survey *s, struct shards *shards)
{
    for (size_t i = 0; i < shards_count(shards); i++) {
        if (redis_is_up(shards_at(shards, i)))
            ask_one(s, shards_at(shards, i));
    }
    done(s);
}

void queue_survey_abandon(void *survey)
{
    struct queue_survey *s = survey;

    if (s)
        s->fn = NULL;
}
