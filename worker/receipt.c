#include "worker/receipt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/streams.h"
#include "worker/consumer.h"
#include "worker/record_statement.h"
#include "worker/worker_metrics.h"

static enum worker_metric metric_of(const char *outcome)
{
    static const struct {
        const char *outcome;
        enum worker_metric metric;
    } map[] = { { "recorded", ENTRIES_RECORDED },
                { "duplicate", ENTRIES_DUPLICATE },
                { "ignored", ENTRIES_IGNORED },
                { "dead", ENTRIES_DEAD },
                { "repeated", ENTRIES_REPEATED } };

    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        if (strcmp(outcome, map[i].outcome) == 0)
            return map[i].metric;
    }
    abort(); /* record_entries() and this table have come apart */
}

/* Tells the browsers; whoever misses it asks the api. */
static void tell(const struct entry *e, const struct db_result *result,
                 size_t row)
{
    const char *status = db_value(result, row, RECORD_STATUS);
    const char *progress = db_value(result, row, RECORD_PROGRESS);
    bool moved = strcmp(e->result.event, "progress") != 0;
    char data[256];

    snprintf(data, sizeof data,
             "{\"jobId\":\"%s\",\"status\":\"%s\",\"attempt\":%" PRId64
             ",\"progress\":%s}",
             e->job.id, status, db_number(result, row, RECORD_ATTEMPT),
             progress ? progress : "null");
    stream_add(consumer_redis(e->consumer), STREAM_LIVE,
               (struct stream_field[]){
                   STREAM_FIELD_TEXT("job", e->job.id),
                   STREAM_FIELD_TEXT("event", moved ? status : "progress"),
                   STREAM_FIELD_TEXT("data", data) },
               3, NULL, NULL);
}

static void report(struct metrics *metrics, const struct entry *e,
                   const struct db_result *result, size_t row)
{
    const char *outcome = db_value(result, row, RECORD_OUTCOME);
    char key[ENTRY_KEY_SIZE];

    metric_add(metrics, metric_of(outcome), 1);
    entry_key(e, key);
    log_debug(LOG_WITH({ "entry", key }, { "job", e->job.id },
                       { "event", e->result.event }, { "outcome", outcome }),
              "recorded an entry");
    if (strcmp(outcome, "dead") == 0)
        log_warning(LOG_WITH({ "entry", key },
                             { "job", e->job.found ? e->job.id : NULL }),
                    "put an entry into the dead letters: %s",
                    e->result.error ? e->result.error : "no job has this id");
    else if (strcmp(outcome, "recorded") == 0)
        tell(e, result, row);
}

/* Those of one consumer together. */
static void acknowledge(struct entry **entries, size_t count)
{
    while (count > 0) {
        struct consumer *c = entries[0]->consumer;
        size_t same = 0;

        for (size_t i = 0; i < count; i++) { /* to the front */
            struct entry *e = entries[i];

            if (e->consumer != c)
                continue;
            entries[i] = entries[same];
            entries[same++] = e;
        }
        consumer_acknowledge(c, entries, same);
        entries += same;
        count -= same;
    }
}

void receipt_give(struct metrics *metrics, const struct db_result *result,
                  struct entry **entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        report(metrics, entries[i], result, i);
    acknowledge(entries, count);
}
