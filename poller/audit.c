#include "poller/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/stream_group.h"
#include "common/streams.h"
#include "poller/poller_metrics.h"

enum {
    AUDIT_MS = 2000,
    /* More than a large fleet has in hand; while there are more, the workers
     * have trouble enough, and the check waits. */
    PENDING_MAX = 50000,
    /* A clock that goes back less is only being put right. */
    SET_BACK_US = 5 * 1000 * 1000,
    PENDING_MAX_BYTES = PENDING_MAX * (STREAM_ID_SIZE + 3),
};

static const struct db_statement statement = {
    "ledger_audit",
    "select unaccounted, last"
    " from ledger_audit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
};

static const char *const streams[] = { STREAM_WEBHOOK, STREAM_SUBMIT };

/* One stream on one server. */
struct account {
    struct audit *audit;
    struct redis *redis;
    const char *stream;
    bool busy;
    char *book; /* of the check under way */
    int64_t unaccounted;
    int64_t length, pending, oldest_s, now_us; /* at the last look */
};

struct audit {
    struct poller *poller;
    struct loop_timer *timer;
    struct account *accounts;
    size_t count;
    struct buf pending;
};

/* One stream's account speaks for its server. */
static void watch_clock(const struct account *account, int64_t now_us)
{
    char by_ms[24];

    if (account->stream != streams[0] ||
        now_us >= account->now_us - SET_BACK_US)
        return;
    snprintf(by_ms, sizeof by_ms, "%" PRId64,
             (account->now_us - now_us) / 1000);
    log_warning(
        LOG_WITH({ "redis", redis_name(account->redis) }, { "by_ms", by_ms }),
        "redis's clock was set back; what workers have in hand counts "
        "as handed out now");
    stream_group_rejuvenate(account->redis, STREAM_SUBMIT);
    stream_group_rejuvenate(account->redis, STREAM_WEBHOOK);
    stream_group_rejuvenate(account->redis, STREAM_CALLBACK);
}

static void note(struct account *account, const struct stream_state *s)
{
    int64_t oldest_ms = s->oldest ? stream_id_ms(s->oldest) : -1;
    int64_t age_s = oldest_ms < 0 ? 0 : (s->now_us / 1000 - oldest_ms) / 1000;

    watch_clock(account, s->now_us);
    account->now_us = s->now_us;
    account->length = s->length;
    account->pending = (int64_t)s->pending_count;
    account->oldest_s = age_s > 0 ? age_s : 0;
}

static void show_streams(const struct audit *a)
{
    struct metrics *m = a->poller->metrics;

    for (size_t k = 0; k < ARRAY_LEN(streams); k++) {
        int64_t length = 0, pending = 0, oldest_s = 0;

        for (size_t i = k; i < a->count; i += ARRAY_LEN(streams)) {
            const struct account *account = &a->accounts[i];

            length += account->length;
            pending += account->pending;
            if (account->oldest_s > oldest_s)
                oldest_s = account->oldest_s;
        }
        metric_set(m, STREAM_ENTRIES + k, length);
        metric_set(m, STREAM_PENDING + k, pending);
        metric_set(m, STREAM_OLDEST_S + k, oldest_s);
    }
}

static void report(struct account *account, int64_t unaccounted)
{
    struct audit *a = account->audit;
    char number[24];
    int64_t sum = 0;

    snprintf(number, sizeof number, "%" PRId64, unaccounted);
    if (unaccounted != 0 && unaccounted != account->unaccounted)
        log_error(LOG_WITH({ "stream", account->stream },
                           { "redis", redis_name(account->redis) },
                           { "unaccounted", number }),
                  "the ledger does not balance; `shotfleet ledger` tells more");
    else if (unaccounted == 0 && account->unaccounted != 0)
        log_info(LOG_WITH({ "stream", account->stream },
                          { "redis", redis_name(account->redis) }),
                 "the ledger balances again");
    account->unaccounted = unaccounted;
    for (size_t i = 0; i < a->count; i++)
        sum += llabs(a->accounts[i].unaccounted);
    metric_set(a->poller->metrics, UNACCOUNTED_ENTRIES, sum);
}

static void on_checked(const struct db_result *r, void *arg)
{
    struct account *account = arg;

    account->busy = false;
    if (db_result_status(r) == DB_LOST) {
        ; /* asked again */
    } else if (db_result_status(r) != DB_OK) {
        log_warning(LOG_WITH({ "stream", account->stream }),
                    "could not check the ledger: %s", db_result_error(r));
    } else if (db_value(r, 0, 0)) {
        report(account, db_number(r, 0, 0));
    } else {
        log_warning(LOG_WITH({ "stream", account->stream },
                             { "redis", redis_name(account->redis) }),
                    "redis knows fewer entries than before: it lost its last "
                    "ones; the ledger begins again when the stream is empty");
        stream_group_close_book(account->redis, account->stream, account->book,
                                db_value(r, 0, 1));
        report(account, 0);
    }
    free(account->book);
    account->book = NULL;
}

static void check(struct account *account, const struct stream_state *s)
{
    struct audit *a = account->audit;
    char now[24], added[24], length[24];

    snprintf(now, sizeof now, "%" PRId64, s->now_us);
    snprintf(added, sizeof added, "%" PRId64, s->added);
    snprintf(length, sizeof length, "%" PRId64, s->length);
    db_array_begin(&a->pending);
    for (size_t i = 0; i < s->pending_count; i++)
        db_array_add(&a->pending, s->pending[i]);
    db_array_end(&a->pending);
    account->book = mem_strdup(s->book);
    db_call(a->poller->db, &statement,
            (const char *const[]){ account->stream, redis_name(account->redis),
                                   s->book, now, added, length, s->newest,
                                   s->delivered, s->oldest, a->pending.data },
            10, on_checked, account);
}

static void on_state(const struct stream_state *state, const char *error,
                     void *arg)
{
    struct account *account = arg;

    if (error)
        log_warning(LOG_WITH({ "stream", account->stream },
                             { "redis", redis_name(account->redis) }),
                    "could not look at the stream's group: %s", error);
    if (state) {
        note(account, state);
        show_streams(account->audit);
    }
    if (state && state->book && state->pending_count < PENDING_MAX)
        check(account, state);
    else
        account->busy = false;
}

static void on_timer(void *arg)
{
    struct audit *a = arg;

    loop_timer_start(a->timer, AUDIT_MS);
    if (!db_is_up(a->poller->db))
        return;
    for (size_t i = 0; i < a->count; i++) {
        struct account *account = &a->accounts[i];

        if (account->busy || !redis_is_up(account->redis))
            continue;
        account->busy = true;
        stream_group_open(account->redis, account->stream, PENDING_MAX,
                          on_state, account);
    }
}

struct audit *audit_new(struct poller *p)
{
    struct audit *a = mem_zalloc(sizeof *a);

    a->poller = p;
    a->count = shards_count(p->shards) * ARRAY_LEN(streams);
    a->accounts = mem_zalloc(a->count * sizeof *a->accounts);
    for (size_t i = 0; i < a->count; i++) {
        a->accounts[i].audit = a;
        a->accounts[i].redis = shards_at(p->shards, i / ARRAY_LEN(streams));
        a->accounts[i].stream = streams[i % ARRAY_LEN(streams)];
    }
    buf_init(&a->pending, PENDING_MAX_BYTES);
    a->timer = loop_timer_new(p->loop, on_timer, a);
    loop_timer_start(a->timer, 0);
    return a;
}

void audit_stop(struct audit *a)
{
    if (a)
        loop_timer_stop(a->timer);
}

void audit_free(struct audit *a)
{
    if (!a)
        return;
    loop_timer_free(a->timer);
    for (size_t i = 0; i < a->count; i++)
        free(a->accounts[i].book);
    free(a->accounts);
    buf_release(&a->pending);
    free(a);
}
