#include "common/db.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/db_call.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    BACKOFF_BASE_MS = 50,
    BACKOFF_CAP_MS = 5000,
    CONNECT_MS = 10 * 1000,
    /* PostgreSQL ends a statement after its time; when it is silent for
     * longer, the connection is half-open. */
    ANSWER_MS = 2 * 1000, /* beyond that */
    WATCHDOG_MS = 1000,
    STATEMENTS_MAX = 32,
};

enum db_state { DB_DOWN, DB_CONNECTING, DB_UP, DB_CLOSED };

struct db {
    struct loop *loop;
    char *url;
    char *application;
    PGconn *connection; /* NULL while DB_DOWN */
    enum db_state state;
    unsigned tries;
    int statement_ms;
    int64_t since_ms; /* start of connecting */
    int64_t heard_ms; /* last word of the server */
    struct loop_watch *watch;
    struct loop_timer *retry;
    struct loop_timer *watchdog;
    struct call *first, *last; /* sent ones come first */
    size_t outstanding;
    const struct db_statement *prepared[STATEMENTS_MAX];
    size_t prepared_count;
    struct db_statement listen; /* "listen CHANNEL" */
    char *listen_sql;
    const char *channel;
    loop_fn *on_notify;
    void *on_notify_arg;
};

/* And should it be us who vanish, the server is not to hold our locks. */
static const struct db_statement session_statement = {
    "session",
    "select set_config('statement_timeout', $1, false),"
    "       set_config('idle_in_transaction_session_timeout', '60s', false),"
    "       set_config('client_connection_check_interval', '5s', false),"
    "       set_config('tcp_keepalives_idle', '10', false),"
    "       set_config('tcp_keepalives_interval', '5', false),"
    "       set_config('tcp_keepalives_count', '3', false)"
};

static void step(int ready, void *arg);

/* --- calls */

static struct call *pop(struct db *d)
{
    struct call *c = d->first;

    d->first = c->next;
    if (!d->first)
        d->last = NULL;
    d->outstanding--;
    return c;
}

/* --- connection */

static void drop(struct db *d)
{
    const char *why = PQerrorMessage(d->connection);
    bool was_up = d->state == DB_UP;
    char reason[256];

    snprintf(reason, sizeof reason, "%.*s", (int)strcspn(why, "\n"), why);
    if (was_up || d->tries == 0)
        log_warning(NULL, "%s postgresql: %s; trying again",
                    was_up ? "lost the connection to" : "could not connect to",
                    *reason ? reason : "no answer");
    d->state = DB_DOWN;
    loop_watch_free(d->watch);
    d->watch = NULL;
    PQfinish(d->connection);
    d->connection = NULL;
    d->prepared_count = 0;
    loop_timer_start(d->retry,
                     backoff_ms(d->tries++, BACKOFF_BASE_MS, BACKOFF_CAP_MS));
    while (d->first && d->first->sent)
        call_answer_lost(pop(d));
}

static void watch(struct db *d, int interest)
{
    loop_watch_free(d->watch);
    d->watch =
        loop_watch_new(d->loop, PQsocket(d->connection), interest, step, d);
}

static bool flush(struct db *d)
{
    int rc = PQflush(d->connection);

    if (rc < 0)
        return false;
    loop_watch_set(d->watch, LOOP_READ | (rc > 0 ? LOOP_WRITE : 0));
    return true;
}

static bool is_prepared(const struct db *d, const struct db_statement *s)
{
    for (size_t i = 0; i < d->prepared_count; i++) {
        if (d->prepared[i] == s)
            return true;
    }
    return false;
}

static bool send_call(struct db *d, struct call *c)
{
    if (!is_prepared(d, c->statement)) {
        assert(d->prepared_count < STATEMENTS_MAX);
        if (!PQsendPrepare(d->connection, c->statement->name, c->statement->sql,
                           0, NULL))
            return false;
        c->preparing = true;
        d->prepared[d->prepared_count++] = c->statement;
    }
    if (!PQsendQueryPrepared(d->connection, c->statement->name, (int)c->count,
                             (const char *const *)c->values, NULL, NULL, 0))
        return false;
    if (!PQpipelineSync(d->connection))
        return false;
    c->sent = true;
    c->sent_ms = clock_monotonic_ms();
    return true;
}

static void send_waiting(struct db *d)
{
    for (struct call *c = d->first; c; c = c->next) {
        if (!c->sent && !send_call(d, c)) {
            c->sent = true; /* perhaps in part */
            drop(d);
            return;
        }
    }
    if (!flush(d))
        drop(d);
}

/* A statement whose preparation failed has to be prepared again. */
static void forget_prepared(struct db *d, const struct db_statement *s)
{
    for (size_t i = 0; i < d->prepared_count; i++) {
        if (d->prepared[i] == s)
            d->prepared[i] = d->prepared[--d->prepared_count];
    }
}

static void take_result(struct db *d, PGresult *result)
{
    struct call *c = d->first;
    ExecStatusType status = PQresultStatus(result);

    if (!c || !c->sent) { /* a FATAL that belongs to no call */
        PQclear(result);
        return;
    }
    if (status == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        call_answer(pop(d));
        return;
    }
    if (c->preparing && !c->result) {
        c->preparing = false;
        if (status == PGRES_COMMAND_OK) {
            PQclear(result);
            return;
        }
        forget_prepared(d, c->statement);
    }
    if (c->result)
        PQclear(result); /* the first error says it all */
    else
        c->result = result;
}

static void take_notifications(struct db *d)
{
    PGnotify *n;
    bool any = false;

    while ((n = PQnotifies(d->connection))) {
        any = any || (d->channel && strcmp(n->relname, d->channel) == 0);
        PQfreemem(n);
    }
    if (any)
        d->on_notify(d->on_notify_arg);
}

static void receive(struct db *d)
{
    unsigned ends = 0;

    d->heard_ms = clock_monotonic_ms();
    if (!PQconsumeInput(d->connection)) {
        drop(d);
        return;
    }
    /* NULL ends a command's results; two in a row, all of them */
    while (d->state == DB_UP && ends < 2 && !PQisBusy(d->connection)) {
        PGresult *result = PQgetResult(d->connection);

        ends = result ? 0 : ends + 1;
        if (result)
            take_result(d, result);
    }
    if (d->state != DB_UP)
        return;
    take_notifications(d);
    if (PQstatus(d->connection) == CONNECTION_BAD || !flush(d))
        drop(d);
}

/* Session set-up goes before the calls that waited for the connection. */
static void push_front(struct db *d, const struct db_statement *statement,
                       const char *const *values, size_t count)
{
    struct call *c = call_new(statement, values, count, NULL, NULL);

    c->next = d->first;
    d->first = c;
    if (!d->last)
        d->last = c;
    d->outstanding++;
}

static void connected(struct db *d)
{
    char timeout[24]; /* in ms, PostgreSQL's unit */

    if (PQsetnonblocking(d->connection, 1) != 0 ||
        !PQenterPipelineMode(d->connection)) {
        drop(d);
        return;
    }
    if (d->tries > 1)
        log_info(NULL, "connected to postgresql again");
    d->tries = 0;
    d->state = DB_UP;
    watch(d, LOOP_READ);
    if (d->channel)
        push_front(d, &d->listen, NULL, 0);
    snprintf(timeout, sizeof timeout, "%d", d->statement_ms);
    push_front(d, &session_statement, (const char *const[]){ timeout }, 1);
    send_waiting(d);
    if (d->channel)
        d->on_notify(d->on_notify_arg);
}

static void step(int ready, void *arg)
{
    struct db *d = arg;

    if (d->state == DB_UP) {
        if (ready & LOOP_READ)
            receive(d);
        else if (!flush(d))
            drop(d);
        return;
    }
    switch (PQconnectPoll(d->connection)) {
    case PGRES_POLLING_READING:
        watch(d, LOOP_READ);
        break;
    case PGRES_POLLING_WRITING:
        watch(d, LOOP_WRITE);
        break;
    case PGRES_POLLING_OK:
        connected(d);
        break;
    default:
        drop(d);
        break;
    }
}

static void connect_now(void *arg)
{
    struct db *d = arg;
    const char *const names[] = {
        "dbname",           "fallback_application_name",
        "keepalives_idle",  "keepalives_interval",
        "keepalives_count", "tcp_user_timeout",
        "client_encoding",  NULL
    };
    const char *const values[] = { d->url, d->application, "10",   "5",
                                   "3",    "10000",        "UTF8", NULL };

    d->state = DB_CONNECTING;
    d->since_ms = clock_monotonic_ms();
    d->connection = PQconnectStartParams(names, values, 1);
    if (!d->connection)
        abort(); /* out of memory */
    if (PQstatus(d->connection) == CONNECTION_BAD) {
        drop(d);
        return;
    }
    watch(d, LOOP_WRITE);
}

/* Calls are sent before the one in front of them is answered, so the oldest
 * one's time begins with the server's last word. */
static bool is_silent(const struct db *d, int64_t now)
{
    int64_t most_ms = d->statement_ms + ANSWER_MS;

    return d->first && d->first->sent && now - d->first->sent_ms > most_ms &&
           now - d->heard_ms > most_ms;
}

static void check_deadlines(void *arg)
{
    struct db *d = arg;
    int64_t now = clock_monotonic_ms();

    loop_timer_start(d->watchdog, WATCHDOG_MS);
    if ((d->state == DB_CONNECTING && now - d->since_ms > CONNECT_MS) ||
        (d->state == DB_UP && is_silent(d, now)))
        drop(d);
}

struct db *db_new(struct loop *loop, const char *database_url,
                  const char *application_name)
{
    struct db *d = mem_zalloc(sizeof *d);

    *d = (struct db){ .loop = loop,
                      .url = mem_strdup(database_url),
                      .application = mem_strdup(application_name),
                      .statement_ms = DB_STATEMENT_MS };
    d->retry = loop_timer_new(loop, connect_now, d);
    d->watchdog = loop_timer_new(loop, check_deadlines, d);
    loop_timer_start(d->retry, 0);
    loop_timer_start(d->watchdog, WATCHDOG_MS);
    return d;
}

void db_free(struct db *d)
{
    if (!d)
        return;
    d->state = DB_CLOSED;
    loop_watch_free(d->watch);
    PQfinish(d->connection);
    while (d->first)
        call_answer_lost(pop(d));
    loop_timer_free(d->retry);
    loop_timer_free(d->watchdog);
    explicit_bzero(d->url, strlen(d->url)); /* may hold a password */
    free(d->url);
    free(d->application);
    free(d->listen_sql);
    free(d);
}

bool db_is_up(const struct db *d)
{
    return d->state == DB_UP;
}

size_t db_outstanding(const struct db *d)
{
    return d->outstanding;
}

void db_call(struct db *d, const struct db_statement *statement,
             const char *const *values, size_t count, db_fn *fn, void *arg)
{
    struct call *c = call_new(statement, values, count, fn, arg);

    if (d->state == DB_CLOSED) {
        call_answer_lost(c);
        return;
    }
    if (d->last)
        d->last->next = c;
    else
        d->first = c;
    d->last = c;
    d->outstanding++;
    if (d->state == DB_UP)
        send_waiting(d);
}

void db_be_patient(struct db *d, int statement_ms)
{
    assert(d->state == DB_DOWN);
    d->statement_ms = statement_ms;
}

void db_listen(struct db *d, const char *channel, loop_fn *fn, void *arg)
{
    assert(!d->channel && d->state == DB_DOWN);
    d->channel = channel;
    d->on_notify = fn;
    d->on_notify_arg = arg;
    d->listen_sql = mem_format("listen %s", channel);
    d->listen = (struct db_statement){ "listen", d->listen_sql };
}
