#include "worker/recorder.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/streams.h"
#include "worker/consumer.h"
#include "worker/record_statement.h"
#include "worker/worker_metrics.h"

enum {
    BATCH_MAX = 500,
    BATCH_MAX_BYTES = 32 * 1024 * 1024,
    /* how long the first of a batch waits for company */
    GATHER_MS = 2,
    RETRY_BASE_MS = 100,
    RETRY_CAP_MS = 5000,
};

struct recorder {
    struct recorder_options o;
    struct loop_timer *timer;
    struct entry *first, *last; /* finished, waiting */
    struct entry *batch[BATCH_MAX];
    size_t batch_count; /* > 0: a transaction is under way */
    size_t batch_max;   /* halved by a refused batch, grows back */
    unsigned failures;  /* in a row */
    int64_t started_us;
    struct record_arrays arrays;
};

static void push(struct recorder *r, struct entry *e)
{
    e->next = NULL;
    if (r->last)
        r->last->next = e;
    else
        r->first = e;
    r->last = e;
}

static void put_back(struct recorder *r)
{
    while (r->batch_count > 0) {
        struct entry *e = r->batch[--r->batch_count];

        e->next = r->first;
        r->first = e;
        if (!r->last)
            r->last = e;
    }
}

/* --- after the transaction */

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

static void report(struct recorder *r, const struct db_result *result,
                   size_t row)
{
    const struct entry *e = r->batch[row];
    const char *outcome = db_value(result, row, RECORD_OUTCOME);
    char key[ENTRY_KEY_SIZE];

    metric_add(r->o.metrics, metric_of(outcome), 1);
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

/* Entries of one consumer are acknowledged together. */
static void acknowledge(struct recorder *r)
{
    struct entry *same[BATCH_MAX];

    while (r->batch_count > 0) {
        struct consumer *c = r->batch[0]->consumer;
        size_t same_count = 0, rest = 0;

        for (size_t i = 0; i < r->batch_count; i++) {
            if (r->batch[i]->consumer == c)
                same[same_count++] = r->batch[i];
            else
                r->batch[rest++] = r->batch[i];
        }
        r->batch_count = rest;
        consumer_acknowledge(c, same, same_count);
    }
}

static const char *word_or_null(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

    return text && text[strspn(text, letters)] == '\0' ? text : NULL;
}

/* Makes a dead letter of an entry, without what a database could refuse. */
static void condemn(struct entry *e, const char *why)
{
    struct result *r = &e->result;

    e->fields.ip = e->fields.id = e->fields.type = e->fields.attempt = NULL;
    e->fields.head = NULL;
    e->fields.provider = word_or_null(e->fields.provider);
    e->fields.source = word_or_null(e->fields.source);
    free(r->provider_job);
    free(r->error);
    free(r->error_code);
    *r = (struct result){ .progress = -1, .delay_ms = -1, .condemned = true };
    entry_finish(e, "dead", "REFUSED", why);
}

/* Halves the batch until the guilty entry is alone. */
static void after_refusal(struct recorder *r, const char *why)
{
    struct entry *first = r->batch[0];

    log_error(NULL, "could not record a batch of %zu: %s", r->batch_count, why);
    if (r->batch_count > 1) {
        r->batch_max = r->batch_count / 2;
        put_back(r);
    } else if (!first->result.condemned) {
        condemn(first, why);
        put_back(r);
    } else { /* behind the others; it stays in redis until this is mended */
        r->failures++;
        r->batch_count = 0;
        push(r, first);
    }
    loop_timer_start(r->timer, backoff_ms(r->failures, 1, RETRY_CAP_MS));
}

static void on_recorded(const struct db_result *result, void *arg)
{
    struct recorder *r = arg;
    enum db_status status = db_result_status(result);

    if (status == DB_OK && db_rows(result) != r->batch_count)
        abort(); /* record_entries() answers every entry, or it is wrong */
    if (status == DB_OK) {
        metric_observe_us(r->o.metrics, BATCH_SECONDS,
                          clock_monotonic_us() - r->started_us);
        metric_add(r->o.metrics, BATCH_ENTRIES, (int64_t)r->batch_count);
        for (size_t i = 0; i < r->batch_count; i++)
            report(r, result, i);
        acknowledge(r);
        r->failures = 0;
        r->batch_max =
            r->batch_max * 2 < BATCH_MAX ? r->batch_max * 2 : BATCH_MAX;
        if (r->first)
            loop_timer_start(r->timer, 0);
        return;
    }
    metric_add(r->o.metrics, BATCHES_FAILED, 1);
    if (status == DB_REFUSED) {
        after_refusal(r, db_result_error(result));
        return;
    }
    if (status == DB_TRANSIENT)
        log_warning(LOG_WITH({ "sqlstate", db_result_sqlstate(result) }),
                    "could not record a batch, trying again: %s",
                    db_result_error(result));
    put_back(r);
    loop_timer_start(r->timer,
                     backoff_ms(r->failures++, RETRY_BASE_MS, RETRY_CAP_MS));
}

/* --- before it */

/* Two entries that may not be in one batch. */
static bool is_rival(const struct entry *a, const struct entry *b)
{
    return a->job.found && b->job.found && strcmp(a->job.id, b->job.id) == 0;
}

static bool has_rival(const struct recorder *r, const struct entry *e)
{
    for (size_t i = 0; i < r->batch_count; i++) {
        if (is_rival(r->batch[i], e))
            return true;
    }
    return false;
}

static void gather(struct recorder *r)
{
    struct entry *waiting = r->first;
    size_t bytes = 0;

    r->first = r->last = NULL;
    while (waiting) {
        struct entry *e = waiting;
        size_t size = record_size(e);

        waiting = e->next;
        if (r->batch_count < r->batch_max &&
            (r->batch_count == 0 || bytes + size <= BATCH_MAX_BYTES) &&
            !has_rival(r, e)) {
            r->batch[r->batch_count++] = e;
            bytes += size;
        } else {
            push(r, e);
        }
    }
}

static void record(void *arg)
{
    struct recorder *r = arg;

    if (r->batch_count > 0 || !r->first)
        return;
    gather(r);
    r->started_us = clock_monotonic_us();
    record_entries(r->o.db, &r->arrays, r->batch, r->batch_count,
                   r->o.stale_after_ms, on_recorded, r);
}

struct recorder *recorder_new(struct loop *loop,
                              const struct recorder_options *options)
{
    struct recorder *r = mem_zalloc(sizeof *r);

    r->o = *options;
    r->batch_max = BATCH_MAX;
    r->timer = loop_timer_new(loop, record, r);
    record_arrays_init(&r->arrays);
    return r;
}

void recorder_free(struct recorder *r)
{
    if (!r)
        return;
    loop_timer_free(r->timer);
    record_arrays_release(&r->arrays);
    free(r);
}

void recorder_add(struct recorder *r, struct entry *e)
{
    assert(e->result.event);
    push(r, e);
    if (r->batch_count == 0 && !loop_timer_running(r->timer))
        loop_timer_start(r->timer, GATHER_MS);
}

size_t recorder_waiting(const struct recorder *r)
{
    size_t n = r->batch_count;

    for (const struct entry *e = r->first; e; e = e->next)
        n++;
    return n;
}
