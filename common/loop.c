#include "common/loop.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/time.h>

#include "common/mem.h"

struct loop_signal {
    struct loop_signal *next;
    struct event *event;
    loop_fn *fn;
    void *arg;
};

struct loop {
    struct event_base *base;
    struct loop_signal *signals;
};

struct loop_timer {
    struct event *event;
    loop_fn *fn;
    void *arg;
};

struct loop_watch {
    struct event *event;
    struct event_base *base;
    int fd;
    loop_watch_fn *fn;
    void *arg;
};

static void *must(void *p)
{
    if (!p)
        abort(); /* libevent fails here only when memory is out */
    return p;
}

struct loop *loop_new(void)
{
    struct loop *l = mem_zalloc(sizeof *l);

    l->base = must(event_base_new());
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    while (l->signals) {
        struct loop_signal *s = l->signals;

        l->signals = s->next;
        event_free(s->event);
        free(s);
    }
    event_base_free(l->base);
    free(l);
}

void loop_run(struct loop *l)
{
    event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void loop_stop(struct loop *l)
{
    event_base_loopbreak(l->base);
}

struct event_base *loop_base(struct loop *l)
{
    return l->base;
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
    struct loop_signal *s = arg;

    (void)signo;
    (void)what;
    s->fn(s->arg);
}

void loop_on_signal(struct loop *l, int signo, loop_fn *fn, void *arg)
{
    struct loop_signal *s = mem_zalloc(sizeof *s);

    *s = (struct loop_signal){ .next = l->signals, .fn = fn, .arg = arg };
    s->event = must(evsignal_new(l->base, signo, on_signal, s));
    event_add(s->event, NULL);
    l->signals = s;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct loop_timer *t = arg;

    (void)fd;
    (void)what;
    t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg)
{
    struct loop_timer *t = mem_zalloc(sizeof *t);

    t->fn = fn;
    t->arg = arg;
    t->event = must(evtimer_new(l->base, on_timer, t));
    return t;
}

void loop_timer_free(struct loop_timer *t)
{
    if (!t)
        return;
    event_free(t->event);
    free(t);
}

void loop_timer_start(struct loop_timer *t, int64_t after_ms)
{
    struct timeval tv;

    if (after_ms < 0)
        after_ms = 0;
    tv.tv_sec = (time_t)(after_ms / 1000);
    tv.tv_usec = (suseconds_t)(after_ms % 1000 * 1000);
    evtimer_add(t->event, &tv);
}

void loop_timer_soon(struct loop_timer *t)
{
    event_active(t->event, EV_TIMEOUT, 1);
}

void loop_timer_stop(struct loop_timer *t)
{
    evtimer_del(t->event);
}

bool loop_timer_running(const struct loop_timer *t)
{
    return evtimer_pending(t->event, NULL);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct loop_watch *w = arg;

    (void)fd;
    w->fn((what & EV_READ ? LOOP_READ : 0) | (what & EV_WRITE ? LOOP_WRITE : 0),
          w->arg);
}

struct loop_watch *loop_watch_new(struct loop *l, int fd, int interest,
                                  loop_watch_fn *fn, void *arg)
{
    struct loop_watch *w = mem_zalloc(sizeof *w);

    *w = (struct loop_watch){ .base = l->base, .fd = fd, .fn = fn, .arg = arg };
    w->event = must(event_new(l->base, fd, EV_PERSIST, on_ready, w));
    loop_watch_set(w, interest);
    return w;
}

void loop_watch_set(struct loop_watch *w, int interest)
{
    short what = EV_PERSIST;

    event_del(w->event);
    if (interest == 0)
        return;
    if (interest & LOOP_READ)
        what |= EV_READ;
    if (interest & LOOP_WRITE)
        what |= EV_WRITE;
    event_assign(w->event, w->base, w->fd, what, on_ready, w);
    event_add(w->event, NULL);
}

void loop_watch_free(struct loop_watch *w)
{
    if (!w)
        return;
    event_free(w->event);
    free(w);
}
