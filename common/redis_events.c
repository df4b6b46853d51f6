#include "common/redis_events.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "common/mem.h"

struct redis_events {
    redisAsyncContext *context;
    struct loop_watch *watch;
    struct loop_timer *flush;
    int interest; /* of the watch */
    /* Connecting, or a write that has not gone out whole: epoll says when. */
    bool blocked;
};

static void set_interest(struct redis_events *e, int interest)
{
    if (interest == e->interest)
        return;
    e->interest = interest;
    loop_watch_set(e->watch, interest);
}

/* hiredis calls these five */

static void add_read(void *arg)
{
    struct redis_events *e = arg;

    set_interest(e, e->interest | LOOP_READ);
}

static void delete_read(void *arg)
{
    struct redis_events *e = arg;

    set_interest(e, e->interest & ~LOOP_READ);
}

static void add_write(void *arg)
{
    struct redis_events *e = arg;

    if (e->blocked)
        set_interest(e, e->interest | LOOP_WRITE);
    else
        loop_timer_soon(e->flush);
}

static void delete_write(void *arg)
{
    struct redis_events *e = arg;

    e->blocked = false;
    set_interest(e, e->interest & ~LOOP_WRITE);
}

static void cleanup(void *arg)
{
    struct redis_events *e = arg;

    loop_watch_free(e->watch);
    loop_timer_free(e->flush);
    free(e);
}

/* from the loop; each may end the connection, and this with it */

static void on_flush(void *arg)
{
    struct redis_events *e = arg;

    e->blocked = true; /* until delete_write() says that all went out */
    redisAsyncHandleWrite(e->context);
}

static void on_ready(int ready, void *arg)
{
    struct redis_events *e = arg;

    if (ready & LOOP_WRITE)
        redisAsyncHandleWrite(e->context);
    else
        redisAsyncHandleRead(e->context);
}

void redis_events_attach(redisAsyncContext *context, struct loop *loop)
{
    struct redis_events *e = mem_zalloc(sizeof *e);

    e->context = context;
    e->blocked = true;
    e->interest = LOOP_READ | LOOP_WRITE;
    e->watch = loop_watch_new(loop, context->c.fd, e->interest, on_ready, e);
    e->flush = loop_timer_new(loop, on_flush, e);
    context->ev.addRead = add_read;
    context->ev.delRead = delete_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = delete_write;
    context->ev.cleanup = cleanup;
    context->ev.data = e;
}
