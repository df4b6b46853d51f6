#include "worker/receipt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/streams.h"
#include "worker/consumer.h"
#include "worker/record_statement.h"
#include "worker/worker_metrics.h"

static enum entry_outcome outcome_of(const char *name)
{
    static const char *const names[ENTRY_OUTCOMES] = {
        [ENTRY_RECORDED] = "recorded", [ENTRY_DUPLICATE] = "duplicate",
        [ENTRY_IGNORED] = "ignored",   [ENTRY_DEAD] = "dead",
        [ENTRY_REPEATED] = "repeated",
    };

    for (size_t i = 0; i < ENTRY_OUTCOMES; i++) {
        if (strcmp(name, names[i]) == 0)
            return (enum entry_outcome)i;
    }
    abort(); /* record_entries() and this table have come apart */
}

static enum worker_metric kind_of(const struct entry *e)
{
    const char *source = e->fields.source ? e->fields.source : "";

    if (e->kind == ENTRY_SUBMIT)
        return ENTRIES_SUBMIT;
    if (strcmp(source, "poll") == 0)
        return ENTRIES_POLL;
    return strcmp(source, "retry") == 0 ? ENTRIES_RETRY : ENTRIES_WEBHOOK;
}

static void count(struct metrics *metrics, const struct entry *e,
                  enum entry_outcome outcome)
{
    enum worker_metric kind = kind_of(e);

    metric_add(metrics, kind + outcome, 1);
    if (outcome == ENTRY_REPEATED)
        return;
    if (kind == ENTRIES_WEBHOOK)
        metric_observe_us(metrics, RECEIVED_TO_RECORDED,
                          (clock_wall_ms() - entry_received_ms(e)) * 1000);
    if (outcome == ENTRY_RECORDED && strcmp(e->result.event, "retry") == 0)
        metric_add(metrics, RETRIES, 1);
    if (outcome == ENTRY_DEAD)
        metric_add(metrics, DEAD_LETTERS + e->result.reason, 1);
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
    const char *name = db_value(result, row, RECORD_OUTCOME);
    enum entry_outcome outcome = outcome_of(name);
    char key[ENTRY_KEY_SIZE];

    count(metrics, e, outcome);
    entry_key(e, key);
    log_debug(LOG_WITH({ "entry", key }, { "job", e->job.id },
                       { "event", e->result.event }, { "outcome", name }),
              "recorded an entry");
    if (outcome == ENTRY_DEAD)
        log_warning(LOG_WITH({ "entry", key },
                             { "job", e->job.found ? e->job.id : NULL }),
                    "put an entry into the dead letters: %s",
                    strcmp(e->result.event, "dead") == 0
                        ? e->result.error
                        : "no job of this provider has this id");
    else if (outcome == ENTRY_RECORDED)
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
                  struct entry **entries, size_t n)
{
    for (size_t i = 0; i < n; i++)
        report(metrics, entries[i], result, i);
    acknowledge(entries, n);
}
