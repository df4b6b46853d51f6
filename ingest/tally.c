#include "ingest/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/streams.h"

enum { FLUSH_MS = 5 * 1000 };

struct tally {
    struct loop_timer *timer;
    struct shards *shards;
    const struct ingest_series *series;
    unsigned *counts; /* as the series of webhooks */
};

static void on_flush(void *arg)
{
    struct tally *t = arg;

    tally_flush(t);
    loop_timer_start(t->timer, FLUSH_MS);
}

struct tally *tally_new(struct loop *loop, struct shards *shards,
                        const struct ingest_series *series)
{
    struct tally *t = mem_zalloc(sizeof *t);

    t->shards = shards;
    t->series = series;
    t->counts = mem_zalloc(series->count * sizeof *t->counts);
    t->timer = loop_timer_new(loop, on_flush, t);
    loop_timer_start(t->timer, FLUSH_MS);
    return t;
}

void tally_free(struct tally *t)
{
    if (!t)
        return;
    loop_timer_free(t->timer);
    free(t->counts);
    free(t);
}

void tally_add(struct tally *t, size_t series)
{
    t->counts[series - INGEST_METRIC_COUNT]++;
}

static void tell(struct tally *t, struct redis *r, size_t index)
{
    char count[24];

    snprintf(count, sizeof count, "%u", t->counts[index]);
    t->counts[index] = 0;
    stream_add(
        r, STREAM_REFUSALS,
        (struct stream_field[]){
            STREAM_FIELD_TEXT("provider",
                              t->series->providers[index / WEBHOOK_OUTCOMES]),
            STREAM_FIELD_TEXT("outcome",
                              refusal_label(index % WEBHOOK_OUTCOMES)),
            STREAM_FIELD_TEXT("count", count) },
        3, NULL, NULL);
}

void tally_flush(struct tally *t)
{
    struct redis *r = shards_pick(t->shards, NULL, NULL);

    for (size_t i = 0; r && i < t->series->provider_count * WEBHOOK_OUTCOMES;
         i++) {
        if (t->counts[i] > 0)
            tell(t, r, i);
    }
}
