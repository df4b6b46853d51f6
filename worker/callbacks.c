#include "worker/callbacks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "worker/breaker.h"
#include "worker/callback.h"
#include "worker/consumer.h"
#include "worker/worker_metrics.h"

enum {
    TIMEOUT_MS = 15 * 1000,
    ANSWER_MAX_BYTES = 1024 * 1024, /* nobody reads it */
    DATABASE_RETRY_MS = 500,
    NO_KEY_RETRY_MS = 10 * 60 * 1000,
    /* A host may ask all callbacks to wait so long, each one for longer. */
    PAUSE_CAP_MS = 60 * 1000,
    DELIVERIES_MAX = 10, /* an entry handed out more often kills its workers */
};

struct callbacks {
    struct loop *loop;
    struct db *db;
    struct http_client *http;
    const struct secrets *keys;
    struct metrics *metrics;
    struct breakers *breakers;
    struct delivery *first;
};

/* One callback in hand. */
struct delivery {
    struct delivery *next, **link; /* among all; what points here */
    struct callbacks *all;
    struct entry *entry;
    char *host;
    struct loop_timer *again; /* when the database was away */
    enum callback_outcome outcome;
    int64_t delay_ms; /* at least so long until the next attempt */
    char error[512];
};

enum column { URL, HOST, EVENT, CREATED_AT, DOCUMENT };

/* No row: delivered, given up, or about another attempt. */
static const struct db_statement load_statement = {
    "load_callback",
    "select c.url, c.host, c.event, rfc3339(c.created_at), d.document "
    "from callbacks c join capture_documents d on d.id = c.job_id "
    "where c.id = $1::uuid and c.attempts = $2::integer"
    " and c.delivered_at is null and c.next_attempt_at is not null"
};

static const struct db_statement record_statement = {
    "record_callback",
    "select record_callback($1::uuid, $2::integer, $3, $4, $5::bigint)"
};

/* --- life */

static struct delivery *delivery_new(struct callbacks *all, struct entry *e)
{
    struct delivery *d = mem_zalloc(sizeof *d);

    *d = (struct delivery){
        .next = all->first, .link = &all->first, .all = all, .entry = e
    };
    if (all->first)
        all->first->link = &d->next;
    all->first = d;
    return d;
}

static void delivery_free(struct delivery *d)
{
    *d->link = d->next;
    if (d->next)
        d->next->link = d->link;
    loop_timer_free(d->again);
    free(d->host);
    free(d);
}

static void acknowledge(struct delivery *d)
{
    struct entry *e = d->entry;

    delivery_free(d);
    consumer_acknowledge(e->consumer, &e, 1);
}

/* True when the step has to wait for the database: it is taken again. */
static bool is_postponed(struct delivery *d, const struct db_result *result,
                         loop_fn *step)
{
    enum db_status status = db_result_status(result);

    if (status == DB_OK || status == DB_REFUSED)
        return false;
    loop_timer_free(d->again);
    d->again = loop_timer_new(d->all->loop, step, d);
    loop_timer_start(d->again, DATABASE_RETRY_MS);
    return true;
}

/* --- recording */

static void report(const struct delivery *d, bool host_disabled)
{
    const struct log_field *fields =
        LOG_WITH({ "callback", d->entry->fields.callback }, { "host", d->host },
                 { "attempt", d->entry->fields.attempt });

    metric_add(d->all->metrics, CALLBACKS_DELIVERED + d->outcome, 1);
    if (d->outcome == CALLBACK_DELIVERED)
        log_debug(fields, "delivered a callback");
    else if (d->outcome == CALLBACK_STOPPED)
        log_warning(fields, "gave a callback up: %s", d->error);
    else if (d->outcome == CALLBACK_FAILED)
        log_warning(fields, "could not deliver a callback: %s", d->error);
    if (host_disabled)
        log_error(LOG_WITH({ "host", d->host }),
                  "every callback has failed for a day, no more are sent; once "
                  "the host is well: shotfleet callback retry --host %s",
                  d->host);
}

static void record(void *arg);

static void on_recorded(const struct db_result *result, void *arg)
{
    struct delivery *d = arg;

    if (is_postponed(d, result, record))
        return;
    if (db_result_status(result) == DB_OK)
        report(d, db_value(result, 0, 0)[0] == 't');
    else /* it is due again when its lease ends */
        log_error(LOG_WITH({ "callback", d->entry->fields.callback }),
                  "could not record a callback: %s", db_result_error(result));
    acknowledge(d);
}

static void record(void *arg)
{
    struct delivery *d = arg;
    char delay[24];

    snprintf(delay, sizeof delay, "%" PRId64, d->delay_ms);
    db_call(d->all->db, &record_statement,
            (const char *const[]){
                d->entry->fields.callback, d->entry->fields.attempt,
                callback_outcome_name(d->outcome), d->error, delay },
            5, on_recorded, d);
}

static void finish(struct delivery *d, enum callback_outcome outcome,
                   const char *error, int64_t delay_ms)
{
    d->outcome = outcome;
    d->delay_ms = delay_ms;
    snprintf(d->error, sizeof d->error, "%s", error);
    record(d);
}

/* --- sending */

static void on_answer(const struct http_answer *answer, void *arg)
{
    struct delivery *d = arg;
    struct breakers *breakers = d->all->breakers;
    int64_t now_ms = clock_monotonic_ms();
    int64_t wish_ms = answer->retry_after_ms > 0 ? answer->retry_after_ms : 0;
    enum callback_outcome outcome;
    char error[sizeof d->error];

    if (answer->failure == HTTP_CANCELLED) /* stopping: another worker's */
        return;
    outcome = callback_judge(answer, error, sizeof error);
    breaker_report(breakers, d->host,
                   answer->failure == HTTP_OK && answer->status < 500, now_ms);
    if (outcome == CALLBACK_FAILED && wish_ms > 0)
        breaker_pause(breakers, d->host,
                      wish_ms < PAUSE_CAP_MS ? wish_ms : PAUSE_CAP_MS, now_ms);
    finish(d, outcome, error, wish_ms);
}

static void post(struct delivery *d, const char *url, const char *body)
{
    const char *id = d->entry->fields.callback;
    int64_t unix_s = clock_wall_ms() / 1000;
    char *signature = callback_signature(d->all->keys, id, unix_s, body);
    char *lines[] = { mem_format("webhook-id: %s", id),
                      mem_format("webhook-timestamp: %" PRId64, unix_s),
                      mem_format("webhook-signature: %s", signature) };
    const char *headers[] = { "Content-Type: application/json", lines[0],
                              lines[1], lines[2], NULL };
    struct http_call_options options = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = body,
        .body_len = strlen(body),
        .max_bytes = ANSWER_MAX_BYTES,
        .timeout_ms = TIMEOUT_MS,
        .guarded = true,
    };

    http_client_start(d->all->http, &options, on_answer, d);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        free(lines[i]);
    free(signature);
}

static void send_callback(struct delivery *d, const struct db_result *result)
{
    int64_t wait_ms;
    char *body;

    d->host = mem_strdup(db_value(result, 0, HOST));
    if (d->all->keys->count == 0) {
        finish(d, CALLBACK_POSTPONED,
               "SHOTFLEET_CALLBACK_SECRETS has no key to sign it with",
               NO_KEY_RETRY_MS);
        return;
    }
    wait_ms = breaker_wait_ms(d->all->breakers, d->host, clock_monotonic_ms());
    if (wait_ms > 0) {
        finish(d, CALLBACK_POSTPONED, "its host is left alone for a while",
               backoff_ms(0, 2 * wait_ms, 2 * wait_ms));
        return;
    }
    body = callback_body(db_value(result, 0, EVENT),
                         db_value(result, 0, CREATED_AT),
                         db_value(result, 0, DOCUMENT));
    post(d, db_value(result, 0, URL), body);
    free(body);
}

/* --- loading */

static void load(void *arg);

static void on_loaded(const struct db_result *result, void *arg)
{
    struct delivery *d = arg;

    if (is_postponed(d, result, load))
        return;
    if (db_result_status(result) != DB_OK)
        log_error(LOG_WITH({ "callback", d->entry->fields.callback }),
                  "could not load a callback: %s", db_result_error(result));
    if (db_result_status(result) != DB_OK || db_rows(result) == 0)
        acknowledge(d);
    else
        send_callback(d, result);
}

static void load(void *arg)
{
    struct delivery *d = arg;

    db_call(d->all->db, &load_statement,
            (const char *const[]){ d->entry->fields.callback,
                                   d->entry->fields.attempt },
            2, on_loaded, d);
}

static bool is_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 9 && text[digits] == '\0';
}

void callbacks_take(struct entry *e, void *arg)
{
    struct delivery *d = delivery_new(arg, e);
    const struct entry_fields *f = &e->fields;

    if (!f->callback || !uuid_is_valid(f->callback) || !f->attempt ||
        !is_number(f->attempt)) {
        log_warning(LOG_WITH({ "entry", e->id }),
                    "dropped an entry that names no callback");
        acknowledge(d);
    } else if (e->deliveries > DELIVERIES_MAX) {
        finish(d, CALLBACK_STOPPED, "handed out too often without an outcome",
               0);
    } else {
        load(d);
    }
}

struct callbacks *callbacks_new(struct loop *loop, struct db *db,
                                struct http_client *http,
                                const struct secrets *keys,
                                struct metrics *metrics)
{
    struct callbacks *c = mem_zalloc(sizeof *c);

    *c = (struct callbacks){ .loop = loop,
                             .db = db,
                             .http = http,
                             .keys = keys,
                             .metrics = metrics,
                             .breakers = breakers_new() };
    return c;
}

void callbacks_free(struct callbacks *c)
{
    if (!c)
        return;
    while (c->first)
        delivery_free(c->first);
    breakers_free(c->breakers);
    free(c);
}
