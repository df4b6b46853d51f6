#include "common/redis.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/encoding.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/redis_events.h"
#include "common/redis_url.h"

enum { BACKOFF_BASE_MS = 50, BACKOFF_CAP_MS = 1000, CONNECT_MS = 2000 };

enum redis_state {
    REDIS_DOWN,       /* waiting for the next try */
    REDIS_CONNECTING, /* socket, then AUTH, SELECT, PING */
    REDIS_UP,         /* PING was answered: it has loaded its data */
    REDIS_CLOSED,     /* redis_free() has begun */
};

/* A command that has not been answered. */
struct pending {
    struct pending *next;
    struct redis *redis;
    redis_fn *fn;
    void *arg;
    int64_t sent_ms;
};

struct redis {
    struct loop *loop;
    struct redis_url url;
    char *name;
    redisAsyncContext *context; /* NULL while REDIS_DOWN */
    enum redis_state state;
    unsigned tries; /* since it was last up */
    struct loop_timer *retry;
    struct loop_timer *watchdog;
    int64_t deadline_ms;
    int64_t connecting_since_ms;
    struct pending *first, *last; /* in the order of sending */
    size_t outstanding;
    char *wire; /* the last command, encoded */
    size_t wire_size;
    redis_state_fn *on_state;
    void *on_state_arg;
    char error[256];
};

static void set_state(struct redis *r, enum redis_state state)
{
    bool was_up = r->state == REDIS_UP;
    bool is_up = state == REDIS_UP;

    r->state = state;
    if (was_up != is_up && r->on_state)
        r->on_state(is_up, r->on_state_arg);
}

/* Gives up the connection; outstanding commands are answered with NULL. */
static void drop(struct redis *r, const char *why)
{
    redisAsyncContext *context = r->context;
    bool was_up = r->state == REDIS_UP;

    if (r->state == REDIS_CLOSED || r->state == REDIS_DOWN)
        return;
    snprintf(r->error, sizeof r->error, "%s", why);
    if (was_up || r->tries == 0)
        log_warning(LOG_WITH({ "redis", r->name }),
                    "%s redis: %s; trying again",
                    was_up ? "lost the connection to" : "could not connect to",
                    r->error);
    r->context = NULL;
    loop_timer_stop(r->watchdog);
    set_state(r, REDIS_DOWN);
    loop_timer_start(r->retry,
                     backoff_ms(r->tries++, BACKOFF_BASE_MS, BACKOFF_CAP_MS));
    if (context)
        redisAsyncFree(context); /* runs the callbacks */
}

/* hiredis frees the context after this. */
static void on_disconnect(const redisAsyncContext *context, int status)
{
    struct redis *r = context->data;

    (void)status;
    if (!r || r->context != context)
        return;
    r->context = NULL;
    drop(r, context->errstr[0] ? context->errstr : "closed by the server");
}

static void on_ping(const redisReply *reply, void *arg)
{
    struct redis *r = arg;
    const char *error = reply ? redis_reply_error(reply) : "no answer";

    if (error) {
        drop(r, error);
        return;
    }
    if (r->tries > 1)
        log_info(LOG_WITH({ "redis", r->name }), "connected to redis again");
    r->tries = 0;
    r->error[0] = '\0';
    set_state(r, REDIS_UP);
}

static void on_greeting(const redisReply *reply, void *arg)
{
    struct redis *r = arg;
    const char *error = reply ? redis_reply_error(reply) : NULL;

    if (error)
        drop(r, error);
}

static void send_command(struct redis *r, redis_fn *fn, void *arg, size_t argc,
                         const struct redis_arg *argv);

static void greet(struct redis *r)
{
    struct redis_arg auth[3] = { REDIS_TEXT("AUTH") };
    char db[16];
    size_t n = 1;

    if (r->url.password) {
        if (r->url.user)
            auth[n++] = REDIS_TEXT(r->url.user);
        auth[n++] = REDIS_TEXT(r->url.password);
        send_command(r, on_greeting, r, n, auth);
    }
    snprintf(db, sizeof db, "%d", r->url.db);
    send_command(r, on_greeting, r, 2,
                 (struct redis_arg[]){ REDIS_TEXT("SELECT"), REDIS_TEXT(db) });
    send_command(r, on_ping, r, 1, (struct redis_arg[]){ REDIS_TEXT("PING") });
}

static void on_connect(const redisAsyncContext *context, int status)
{
    struct redis *r = context->data;

    if (!r || r->context != context)
        return;
    if (status != REDIS_OK) {
        r->context = NULL; /* hiredis frees it */
        drop(r, context->errstr);
        return;
    }
    greet(r);
}

static void watch(struct redis *r)
{
    loop_timer_start(r->watchdog, r->deadline_ms / 4 + 1);
}

static void connect_now(void *arg)
{
    struct redis *r = arg;
    redisAsyncContext *context =
        r->url.path ? redisAsyncConnectUnix(r->url.path)
                    : redisAsyncConnect(r->url.host, r->url.port);

    if (!context)
        abort(); /* out of memory */
    r->state = REDIS_CONNECTING;
    r->context = context;
    context->data = r;
    if (context->err) {
        drop(r, context->errstr);
        return;
    }
    r->connecting_since_ms = clock_monotonic_ms();
    redis_events_attach(context, r->loop);
    redisAsyncSetConnectCallback(context, on_connect);
    redisAsyncSetDisconnectCallback(context, on_disconnect);
    watch(r);
}

static void check_deadlines(void *arg)
{
    struct redis *r = arg;
    int64_t now = clock_monotonic_ms();

    if (r->state == REDIS_CONNECTING &&
        now - r->connecting_since_ms > CONNECT_MS)
        drop(r, "no connection within 2 s");
    else if (r->first && now - r->first->sent_ms > r->deadline_ms)
        drop(r, "no answer within the deadline");
    else
        watch(r);
}

struct redis *redis_new(struct loop *loop, const char *url, int64_t deadline_ms,
                        char *error, size_t error_size)
{
    struct redis *r = mem_zalloc(sizeof *r);

    r->loop = loop;
    r->deadline_ms = deadline_ms;
    snprintf(r->error, sizeof r->error, "not connected yet");
    if (redis_url_parse(&r->url, url, error, error_size) != 0) {
        free(r);
        return NULL;
    }
    r->name = r->url.path
                  ? mem_strdup(r->url.path)
                  : mem_format("%s:%d/%d", r->url.host, r->url.port, r->url.db);
    r->retry = loop_timer_new(loop, connect_now, r);
    r->watchdog = loop_timer_new(loop, check_deadlines, r);
    loop_timer_start(r->retry, 0);
    return r;
}

void redis_free(struct redis *r)
{
    redisAsyncContext *context;

    if (!r)
        return;
    context = r->context;
    r->state = REDIS_CLOSED;
    r->context = NULL;
    if (context)
        redisAsyncFree(context);
    loop_timer_free(r->retry);
    loop_timer_free(r->watchdog);
    redis_url_release(&r->url);
    free(r->wire);
    free(r->name);
    free(r);
}

void redis_on_state(struct redis *r, redis_state_fn *fn, void *arg)
{
    r->on_state = fn;
    r->on_state_arg = arg;
}

bool redis_is_up(const struct redis *r)
{
    return r->state == REDIS_UP;
}

size_t redis_outstanding(const struct redis *r)
{
    return r->outstanding;
}

const char *redis_error(const struct redis *r)
{
    return r->error;
}

const char *redis_name(const struct redis *r)
{
    return r->name;
}

static void on_reply(redisAsyncContext *context, void *reply, void *arg)
{
    struct pending *p = arg;
    struct redis *r = p->redis;

    (void)context;
    r->first = p->next; /* Redis answers in order */
    if (!r->first)
        r->last = NULL;
    r->outstanding--;
    if (p->fn)
        p->fn(reply, p->arg);
    free(p);
}

static char *put(char *at, const char *ptr, size_t len)
{
    memcpy(at, ptr, len);
    return at + len;
}

static char *put_length(char *at, char kind, size_t length)
{
    *at++ = kind;
    at += decimal_encode((int64_t)length, at);
    return put(at, "\r\n", 2);
}

/* Writes a command into `wire`, as an array of bulk strings, and returns its
 * length.  hiredis would need a dozen allocations for an entry's. */
static size_t encode(struct redis *r, size_t argc, const struct redis_arg *argv)
{
    const size_t length_size = 1 + DECIMAL_SIZE + 2;
    size_t size = length_size;
    char *at;

    for (size_t i = 0; i < argc; i++)
        size += length_size + argv[i].len + 2;
    if (size > r->wire_size) {
        r->wire = mem_resize(r->wire, size);
        r->wire_size = size;
    }
    at = put_length(r->wire, '*', argc);
    for (size_t i = 0; i < argc; i++) {
        at = put_length(at, '$', argv[i].len);
        at = put(at, argv[i].ptr, argv[i].len);
        at = put(at, "\r\n", 2);
    }
    return (size_t)(at - r->wire);
}

static void send_command(struct redis *r, redis_fn *fn, void *arg, size_t argc,
                         const struct redis_arg *argv)
{
    struct pending *p = mem_alloc(sizeof *p);
    size_t len = encode(r, argc, argv);

    *p = (struct pending){
        .redis = r, .fn = fn, .arg = arg, .sent_ms = clock_monotonic_ms()
    };
    if (r->last)
        r->last->next = p;
    else
        r->first = p;
    r->last = p;
    r->outstanding++;
    if (redisAsyncFormattedCommand(r->context, on_reply, p, r->wire, len) !=
        REDIS_OK)
        abort(); /* only when memory is out or the context is closing */
}

void redis_command(struct redis *r, redis_fn *fn, void *arg, size_t argc,
                   const struct redis_arg *argv)
{
    if (r->state == REDIS_UP)
        send_command(r, fn, arg, argc, argv);
    else if (fn)
        fn(NULL, arg);
}

const char *redis_reply_error(const struct redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR ? reply->str : NULL;
}
