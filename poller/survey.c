#include "poller/survey.h"

#include <stdlib.h>

#include "common/mem.h"
#include "common/streams.h"

struct look {
    struct survey survey;
    size_t waiting; /* answers that are still to come */
    survey_fn *fn;
    void *arg;
};

static void one_less(struct look *l)
{
    if (--l->waiting > 0)
        return;
    l->fn(&l->survey, l->arg);
    free(l);
}

static void on_oldest(int64_t oldest_ms, void *arg)
{
    struct look *l = arg;
    int64_t *oldest = &l->survey.oldest_submit_ms;

    if (oldest_ms >= 0 && (*oldest < 0 || oldest_ms < *oldest))
        *oldest = oldest_ms;
    one_less(l);
}

static void on_webhooks(int64_t length, void *arg)
{
    struct look *l = arg;

    l->survey.webhooks += length > 0 ? length : 0;
    one_less(l);
}

static void on_callbacks(int64_t length, void *arg)
{
    struct look *l = arg;

    l->survey.callbacks += length > 0 ? length : 0;
    one_less(l);
}

void survey_start(struct shards *shards, survey_fn *fn, void *arg)
{
    struct look *l = mem_alloc(sizeof *l);

    /* one more than asked, so that it is not over while asking */
    *l = (struct look){
        .survey.oldest_submit_ms = -1, .waiting = 1, .fn = fn, .arg = arg
    };
    for (size_t i = 0; i < shards_count(shards); i++) {
        struct redis *r = shards_at(shards, i);

        l->waiting += 3;
        stream_oldest(r, STREAM_SUBMIT, on_oldest, l);
        stream_length(r, STREAM_WEBHOOK, on_webhooks, l);
        stream_length(r, STREAM_CALLBACK, on_callbacks, l);
    }
    one_less(l);
}
