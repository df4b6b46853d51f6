#include "poller/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "poller/poller.h"
#include "poller/poller_metrics.h"
#include "poller/question.h"
#include "poller/queue.h"

enum {
    OTHERS_MAX = 100,
    /* Between two leases, so that each is worth a transaction. */
    PAUSE_MS = 50,
    ARRAY_MAX_BYTES = 1024 * 1024,
};

enum column { JOB_ID, ATTEMPT, PROVIDER, PROVIDER_JOB_ID, FAILING };

static const struct db_statement statement = {
    "check_due", "select job_id, attempt, provider, provider_job_id, failing"
                 " from check_due($1, $2, $3, $4, $5)"
};

struct check {
    struct poller *poller;
    struct loop_timer *timer;
    unsigned *asked; /* questions under way, by provider */
    unsigned total;
    bool leasing;
    bool more; /* the last lease found something */
};

static bool can_be_asked(const struct provider *p)
{
    return *p->base_url && p->profile->status.path;
}

static void on_asked(const struct provider *provider, void *arg)
{
    struct check *c = arg;
    struct poller *p = c->poller;

    c->asked[provider - p->providers->items]--;
    metric_set(p->metrics, CHECKS_IN_FLIGHT, --c->total);
    if (c->more && p->round && !loop_timer_running(c->timer))
        loop_timer_start(c->timer, PAUSE_MS);
}

static void check(struct check *c, const struct db_result *r, size_t row)
{
    struct poller *p = c->poller;
    const char *job = db_value(r, row, JOB_ID);
    const char *attempt = db_value(r, row, ATTEMPT);
    const char *name = db_value(r, row, PROVIDER);
    const char *id = db_value(r, row, PROVIDER_JOB_ID);
    const struct provider *provider = providers_find(p->providers, name);

    if (!provider || !can_be_asked(provider) || !id) {
        /* nobody to ask: another attempt is the only way to know */
        metric_add(p->metrics, CHECKS_LOST, 1);
        queue_verdict(p->shards, name, job, attempt, "lost");
        return;
    }
    c->asked[provider - p->providers->items]++;
    metric_set(p->metrics, CHECKS_IN_FLIGHT, ++c->total);
    question_ask(p, provider, job, attempt, id,
                 db_value(r, row, FAILING)[0] == 't', on_asked, c);
}

static void on_due(const struct db_result *r, void *arg)
{
    struct check *c = arg;

    c->leasing = false;
    c->more = false;
    if (db_result_status(r) != DB_OK) {
        log_warning(NULL, "could not look for silent jobs: %s",
                    db_result_error(r));
        return;
    }
    c->more = db_rows(r) > 0;
    for (size_t i = 0; i < db_rows(r); i++)
        check(c, r, i);
}

static void lease(void *arg)
{
    struct check *c = arg;
    struct poller *p = c->poller;
    struct buf names, rooms, rates;
    char stale_after[24], others[24];

    if (c->leasing || p->held_back || !db_is_up(p->db))
        return;
    c->leasing = true;
    buf_init(&names, ARRAY_MAX_BYTES);
    buf_init(&rooms, ARRAY_MAX_BYTES);
    buf_init(&rates, ARRAY_MAX_BYTES);
    db_array_begin(&names);
    db_array_begin(&rooms);
    db_array_begin(&rates);
    for (size_t i = 0; i < p->providers->count; i++) {
        const struct provider *provider = &p->providers->items[i];
        unsigned most = provider->profile->limits.status_at_once;
        char room[24], rate[32];

        if (!can_be_asked(provider))
            continue;
        snprintf(room, sizeof room, "%u",
                 most > c->asked[i] ? most - c->asked[i] : 0);
        snprintf(rate, sizeof rate, "%.3f",
                 provider->profile->limits.status_per_s);
        db_array_add(&names, provider->profile->name);
        db_array_add(&rooms, room);
        db_array_add(&rates, rate);
    }
    db_array_end(&names);
    db_array_end(&rooms);
    db_array_end(&rates);
    snprintf(stale_after, sizeof stale_after, "%" PRId64, p->stale_after_ms);
    snprintf(others, sizeof others, "%d", OTHERS_MAX);
    db_call(p->db, &statement,
            (const char *const[]){ stale_after, names.data, rooms.data,
                                   rates.data, others },
            5, on_due, c);
    buf_release(&names);
    buf_release(&rooms);
    buf_release(&rates);
}

void check_round(struct check *c)
{
    if (!loop_timer_running(c->timer))
        lease(c);
}

struct check *check_new(struct poller *p)
{
    struct check *c = mem_zalloc(sizeof *c);

    c->poller = p;
    c->timer = loop_timer_new(p->loop, lease, c);
    c->asked = mem_zalloc((p->providers->count + 1) * sizeof *c->asked);
    return c;
}

void check_free(struct check *c)
{
    if (!c)
        return;
    loop_timer_free(c->timer);
    free(c->asked);
    free(c);
}
