#include "worker/recorder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "worker/entry_queue.h"
#include "worker/job_set.h"
#include "worker/receipt.h"
#include "worker/record_statement.h"
#include "worker/worker_metrics.h"

enum {
    BATCH_MAX = 500,
    BATCH_MAX_BYTES = 32 * 1024 * 1024,
    /* So many need not wait for more company; fewer wait that long. */
    COMPANY = 200,
    GATHER_MS = 2,
    RETRY_BASE_MS = 100,
    RETRY_CAP_MS = 5000,
};

/* One connection and the batch that is on its way through it. */
struct lane {
    struct recorder *recorder;
    struct db *db;
    struct entry *batch[BATCH_MAX];
    size_t count; /* > 0: a transaction is under way */
    int64_t started_us;
    struct record_arrays arrays;
};

struct recorder {
    struct recorder_options o;
    struct loop_timer *timer;
    struct lane lanes[RECORDER_LANES];
    struct entry_queue waiting; /* finished */
    struct job_set jobs;        /* while gathering */
    size_t batch_max;           /* halved by a failed batch, grows back */
    unsigned failures;          /* in a row */
};

static struct lane *free_lane(struct recorder *r)
{
    for (size_t i = 0; i < RECORDER_LANES; i++) {
        if (r->lanes[i].count == 0)
            return &r->lanes[i];
    }
    return NULL;
}

/* For a next try with half as many: down to the one that is refused, or to as
 * many as a slow database can do in its time. */
static void put_back(struct lane *lane)
{
    lane->recorder->batch_max = (lane->count + 1) / 2;
    while (lane->count > 0)
        entry_queue_push_front(&lane->recorder->waiting,
                               lane->batch[--lane->count]);
}

/* --- when */

static void schedule(struct recorder *r)
{
    bool running = loop_timer_running(r->timer);

    if (r->waiting.count == 0 || !free_lane(r) || (r->failures > 0 && running))
        return;
    if (r->waiting.count >= COMPANY)
        loop_timer_start(r->timer, 0);
    else if (!running)
        loop_timer_start(r->timer, GATHER_MS);
}

/* --- after the transaction */

static const char *word_or_null(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

    return text && text[strspn(text, letters)] == '\0' ? text : NULL;
}

/* Makes a dead letter of an entry, without what a database could refuse.  The
 * attempt stays, of which only a number is passed on: a letter of an earlier
 * one must not hold the job up. */
static void condemn(struct entry *e, const char *why)
{
    struct result *r = &e->result;

    e->fields.ip = e->fields.id = e->fields.type = e->fields.head = NULL;
    e->fields.provider = word_or_null(e->fields.provider);
    e->fields.source = word_or_null(e->fields.source);
    free(r->provider_job);
    free(r->error);
    free(r->error_code);
    *r = (struct result){ .progress = -1,
                          .delay_ms = -1,
                          .condemned = true,
                          .reason = DEAD_REFUSED };
    entry_finish(e, "dead", "REFUSED", why);
}

static void after_refusal(struct lane *lane, const char *why)
{
    struct recorder *r = lane->recorder;
    struct entry *first = lane->batch[0];

    log_error(NULL, "could not record a batch of %zu: %s", lane->count, why);
    if (lane->count > 1) {
        put_back(lane);
    } else if (!first->result.condemned) {
        condemn(first, why);
        put_back(lane);
    } else { /* behind the others; it stays in redis until this is mended */
        r->failures++;
        lane->count = 0;
        entry_queue_push(&r->waiting, first);
    }
    loop_timer_start(r->timer, backoff_ms(r->failures, 1, RETRY_CAP_MS));
}

static void after_success(struct lane *lane, const struct db_result *result)
{
    struct recorder *r = lane->recorder;
    size_t count = lane->count;

    if (db_rows(result) != count)
        abort(); /* record_entries() answers every entry, or it is wrong */
    metric_observe_us(r->o.metrics, BATCH_SECONDS,
                      clock_monotonic_us() - lane->started_us);
    metric_observe(r->o.metrics, BATCH_ENTRIES, (int64_t)count);
    receipt_give(r->o.metrics, result, lane->batch, count);
    lane->count = 0;
    r->failures = 0;
    r->batch_max = r->batch_max * 2 < BATCH_MAX ? r->batch_max * 2 : BATCH_MAX;
    schedule(r);
}

static void on_recorded(const struct db_result *result, void *arg)
{
    struct lane *lane = arg;
    struct recorder *r = lane->recorder;
    enum db_status status = db_result_status(result);

    if (status == DB_OK) {
        after_success(lane, result);
        return;
    }
    metric_add(r->o.metrics, BATCHES_FAILED, 1);
    if (status == DB_REFUSED) {
        after_refusal(lane, db_result_error(result));
        return;
    }
    if (status == DB_TRANSIENT)
        log_warning(LOG_WITH({ "sqlstate", db_result_sqlstate(result) }),
                    "could not record a batch, trying again: %s",
                    db_result_error(result));
    put_back(lane);
    loop_timer_start(r->timer,
                     backoff_ms(r->failures++, RETRY_BASE_MS, RETRY_CAP_MS));
}

/* --- before it */

/* The jobs that another lane has in hand must wait for it. */
static void note_busy_jobs(struct recorder *r)
{
    job_set_clear(&r->jobs, r->waiting.count + RECORDER_LANES * BATCH_MAX);
    for (size_t i = 0; i < RECORDER_LANES; i++) {
        const struct lane *lane = &r->lanes[i];

        for (size_t k = 0; k < lane->count; k++) {
            if (lane->batch[k]->job.found)
                (void)job_set_add(&r->jobs, lane->batch[k]->job.id);
        }
    }
}

/* Of each job the first that waits, or none: what is left of a job stays in
 * its order. */
static void gather(struct lane *lane)
{
    struct recorder *r = lane->recorder;
    struct entry_queue left = { 0 };
    struct entry *e;
    size_t bytes = 0;

    note_busy_jobs(r);
    while (lane->count < r->batch_max && (e = entry_queue_pop(&r->waiting))) {
        size_t size = record_size(e);
        bool turn = !e->job.found || job_set_add(&r->jobs, e->job.id);

        if (turn && (lane->count == 0 || bytes + size <= BATCH_MAX_BYTES)) {
            lane->batch[lane->count++] = e;
            bytes += size;
        } else {
            entry_queue_push(&left, e);
        }
    }
    entry_queue_prepend(&r->waiting, &left);
}

static void record(void *arg)
{
    struct recorder *r = arg;
    struct lane *lane = free_lane(r);

    if (!lane)
        return;
    gather(lane);
    if (lane->count == 0)
        return; /* all wait for the other lane, whose end goes on with them */
    lane->started_us = clock_monotonic_us();
    record_entries(lane->db, &lane->arrays, lane->batch, lane->count,
                   r->o.stale_after_ms, on_recorded, lane);
    schedule(r);
}

struct recorder *recorder_new(struct loop *loop,
                              const struct recorder_options *options)
{
    struct recorder *r = mem_zalloc(sizeof *r);

    r->o = *options;
    r->batch_max = BATCH_MAX;
    r->timer = loop_timer_new(loop, record, r);
    for (size_t i = 0; i < RECORDER_LANES; i++) {
        struct lane *lane = &r->lanes[i];

        lane->recorder = r;
        lane->db = options->dbs[i];
        record_arrays_init(&lane->arrays);
    }
    return r;
}

void recorder_free(struct recorder *r)
{
    if (!r)
        return;
    loop_timer_free(r->timer);
    for (size_t i = 0; i < RECORDER_LANES; i++)
        record_arrays_release(&r->lanes[i].arrays);
    job_set_release(&r->jobs);
    free(r);
}

void recorder_add(struct recorder *r, struct entry *e)
{
    assert(e->result.event);
    entry_queue_push(&r->waiting, e);
    schedule(r);
}

size_t recorder_waiting(const struct recorder *r)
{
    size_t n = r->waiting.count;

    for (size_t i = 0; i < RECORDER_LANES; i++)
        n += r->lanes[i].count;
    return n;
}
