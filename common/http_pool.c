#include "common/http_pool.h"

#include <stdlib.h>

#include "common/mem.h"

struct http_pool {
    struct loop *loop;
    struct loop_timer *timer;
    CURLM *multi;
    http_pool_fn *done;
};

/* A socket that libcurl wants to hear about. */
struct watched {
    struct http_pool *pool;
    curl_socket_t fd;
    struct loop_watch *watch;
};

static void act(struct http_pool *pool, curl_socket_t fd, int events)
{
    int number = 0;
    CURLMsg *message;

    curl_multi_socket_action(pool->multi, fd, events, &number);
    /* `done` may remove transfers: libcurl forgets their messages. */
    while ((message = curl_multi_info_read(pool->multi, &number)))
        if (message->msg == CURLMSG_DONE)
            pool->done(message->easy_handle, message->data.result);
}

static void on_ready(int ready, void *arg)
{
    struct watched *w = arg; /* libcurl may drop it meanwhile */

    act(w->pool, w->fd,
        (ready & LOOP_READ ? CURL_CSELECT_IN : 0) |
            (ready & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* CURLMOPT_SOCKETFUNCTION */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *pool_arg,
                     void *socket_arg)
{
    struct http_pool *pool = pool_arg;
    struct watched *w = socket_arg;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            loop_watch_free(w->watch);
        free(w);
        return 0;
    }
    if (!w) {
        w = mem_zalloc(sizeof *w);
        w->pool = pool;
        w->fd = fd;
        w->watch = loop_watch_new(pool->loop, fd, 0, on_ready, w);
        curl_multi_assign(pool->multi, fd, w);
    }
    loop_watch_set(w->watch, (what & CURL_POLL_IN ? LOOP_READ : 0) |
                                 (what & CURL_POLL_OUT ? LOOP_WRITE : 0));
    return 0;
}

/* CURLMOPT_TIMERFUNCTION */
static int on_timer_change(CURLM *multi, long after_ms, void *arg)
{
    struct http_pool *pool = arg;

    (void)multi;
    if (after_ms < 0)
        loop_timer_stop(pool->timer);
    else
        loop_timer_start(pool->timer, after_ms);
    return 0;
}

struct http_pool *http_pool_new(struct loop *loop, http_pool_fn *done)
{
    struct http_pool *pool = mem_zalloc(sizeof *pool);

    pool->loop = loop;
    pool->done = done;
    pool->timer = loop_timer_new(loop, on_timer, pool);
    pool->multi = curl_multi_init();
    if (!pool->multi)
        abort(); /* only when memory is out */
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
    return pool;
}

void http_pool_free(struct http_pool *pool)
{
    curl_multi_cleanup(pool->multi);
    loop_timer_free(pool->timer);
    free(pool);
}

void http_pool_add(struct http_pool *pool, CURL *easy)
{
    curl_multi_add_handle(pool->multi, easy);
}

void http_pool_remove(struct http_pool *pool, CURL *easy)
{
    curl_multi_remove_handle(pool->multi, easy);
}
