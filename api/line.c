#include "api/line.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/counters.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/ranges.h"

enum {
    TICK_MS = 250,
    TICKS_PER_BEAT = LINE_BEAT_MS / TICK_MS,
    /* What was sent and not acknowledged for so long: the peer is gone. */
    UNREACHABLE_MS = 30 * 1000,
    DISCARD_BYTES = 4096,
};

enum line_state {
    LINE_OPEN,
    LINE_ENDING, /* the last bytes are on their way, then the client's turn */
    LINE_GONE,   /* closed; `closed` is due */
};

struct line {
    struct line *next, *previous; /* in the ring of all, or among the gone */
    struct line *next_dirty;
    struct lines *all;
    const struct line_owner *owner;
    void *arg;
    struct loop_watch *watch;
    struct buf waiting;
    int fd;
    uint8_t state; /* enum line_state */
    uint8_t why;   /* enum line_end */
    bool dirty;    /* in the list of those to be flushed */
    bool blocked;  /* the kernel takes no more for now */
    bool unsent;   /* counted as such */
    bool moved;    /* something left since the last beat */
    bool heard;    /* something was written since then, but for the beat */
    bool hung_up;  /* our direction is shut */
};

struct lines {
    struct loop *loop;
    struct metrics *metrics;
    struct loop_timer *flush;
    struct loop_timer *tick;
    struct line *ring;  /* whose beat is next, or NULL */
    struct line *dirty; /* newest first */
    struct line *gone;
    size_t count, max;
    size_t owed; /* beats, times TICKS_PER_BEAT */
    size_t unsent;
};

static void flush_soon(struct lines *all)
{
    if (!loop_timer_running(all->flush))
        loop_timer_start(all->flush, 0);
}

static void make_dirty(struct line *l)
{
    if (l->dirty || l->blocked)
        return;
    l->dirty = true;
    l->next_dirty = l->all->dirty;
    l->all->dirty = l;
    flush_soon(l->all);
}

/* --- the ring */

static void join(struct lines *all, struct line *l)
{
    if (all->ring) {
        l->next = all->ring;
        l->previous = all->ring->previous;
        l->previous->next = l;
        l->next->previous = l;
    } else {
        all->ring = l->next = l->previous = l;
        loop_timer_start(all->tick, TICK_MS);
    }
    all->count++;
    metric_set(all->metrics, COUNTER_SUBSCRIBERS, (int64_t)all->count);
}

static void leave(struct lines *all, struct line *l)
{
    l->previous->next = l->next;
    l->next->previous = l->previous;
    if (all->ring == l)
        all->ring = l->next == l ? NULL : l->next;
    all->count--;
    metric_set(all->metrics, COUNTER_SUBSCRIBERS, (int64_t)all->count);
}

/* --- ending */

static void tell_of_slow(const struct line *l)
{
    struct sockaddr_storage peer = { 0 };
    socklen_t len = sizeof peer;
    char ip[ADDRESS_TEXT_SIZE] = "";

    if (getpeername(l->fd, (struct sockaddr *)&peer, &len) == 0)
        address_format((const struct sockaddr *)&peer, ip);
    log_info(LOG_WITH({ "ip", ip }),
             "cut off a live client that does not read: %zu bytes wait for it",
             l->waiting.len);
}

static void set_unsent(struct line *l, bool unsent)
{
    if (l->unsent == unsent)
        return;
    l->unsent = unsent;
    if (unsent)
        l->all->unsent++;
    else
        l->all->unsent--;
}

void line_cut(struct line *l, enum line_end why)
{
    struct lines *all = l->all;

    if (l->state == LINE_GONE)
        return;
    if (l->state == LINE_OPEN)
        l->why = (uint8_t)why;
    if (l->why == LINE_SLOW)
        tell_of_slow(l);
    metric_add(all->metrics, COUNTER_LIVE_ENDED + l->why, 1);
    l->state = LINE_GONE;
    set_unsent(l, false);
    buf_release(&l->waiting);
    loop_watch_free(l->watch);
    close(l->fd);
    leave(all, l);
    l->next = all->gone;
    all->gone = l;
    flush_soon(all);
}

void line_end(struct line *l, enum line_end why)
{
    if (l->state != LINE_OPEN)
        return;
    l->state = LINE_ENDING;
    l->why = (uint8_t)why;
    make_dirty(l);
}

static void bury(struct lines *all)
{
    while (all->gone && !all->dirty) {
        struct line *l = all->gone;

        assert(!l->dirty);
        all->gone = l->next;
        l->owner->closed(l->arg);
        free(l);
    }
}

/* --- writing */

/* The client gets to see all of it before it sees the end: hanging up with
 * unread bytes of its own would reset the connection. */
static void hang_up(struct line *l)
{
    if (l->hung_up)
        return;
    l->hung_up = true;
    shutdown(l->fd, SHUT_WR);
}

static void set_blocked(struct line *l, bool blocked)
{
    if (l->blocked == blocked)
        return;
    l->blocked = blocked;
    loop_watch_set(l->watch, LOOP_READ | (blocked ? LOOP_WRITE : 0));
}

static void flush(struct line *l)
{
    ssize_t n = 0;

    if (l->waiting.len > 0)
        n = send(l->fd, l->waiting.data, l->waiting.len,
                 MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        line_cut(l, LINE_LEFT);
        return;
    }
    if (n > 0) {
        l->moved = true;
        metric_add(l->all->metrics, COUNTER_LIVE_BYTES, n);
    }
    if (n >= 0 && (size_t)n == l->waiting.len) {
        set_unsent(l, false);
        buf_release(&l->waiting); /* ten thousand of them are idle */
        set_blocked(l, false);
        if (l->state == LINE_ENDING)
            hang_up(l);
        else if (n > 0 && l->owner->drained)
            l->owner->drained(l->arg);
        return;
    }
    if (n > 0)
        buf_consume(&l->waiting, (size_t)n);
    set_blocked(l, true);
}

static void on_flush(void *arg)
{
    struct lines *all = arg;
    struct line *l = all->dirty;

    all->dirty = NULL; /* what is written meanwhile has its own turn */
    while (l) {
        struct line *next = l->next_dirty;

        l->dirty = false;
        if (l->state != LINE_GONE && !l->blocked)
            flush(l);
        l = next;
    }
    bury(all);
    if (all->dirty)
        flush_soon(all);
}

void line_write(struct line *l, const char *ptr, size_t len)
{
    if (l->state != LINE_OPEN || len == 0)
        return;
    l->heard = true;
    set_unsent(l, true);
    if (l->waiting.len > LINE_WAITING_BYTES ||
        buf_append(&l->waiting, ptr, len) != 0) {
        line_cut(l, LINE_SLOW);
        return;
    }
    make_dirty(l);
}

size_t line_waiting(const struct line *l)
{
    return l->waiting.len;
}

/* --- reading */

size_t line_read(struct line *l, char *out, size_t max)
{
    ssize_t n;

    if (l->state == LINE_GONE)
        return 0;
    n = recv(l->fd, out, max, MSG_DONTWAIT);
    if (n > 0)
        return (size_t)n;
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        line_cut(l, LINE_LEFT);
    return 0;
}

static void on_ready(int ready, void *arg)
{
    struct line *l = arg;
    char discarded[DISCARD_BYTES];

    if (ready & LOOP_WRITE)
        flush(l);
    if (!(ready & LOOP_READ) || l->state == LINE_GONE)
        return;
    if (l->owner->readable && l->state == LINE_OPEN)
        l->owner->readable(l->arg);
    else
        line_read(l, discarded, sizeof discarded);
}

/* --- life cycle */

/* A client that waits for bytes, or for its end, and does not move. */
static bool is_stuck(const struct line *l)
{
    return !l->moved && (l->waiting.len > 0 || l->state == LINE_ENDING);
}

static void beat(struct line *l)
{
    if (is_stuck(l))
        line_cut(l, LINE_SLOW);
    else if (l->state == LINE_OPEN && !l->heard && l->owner->beat(l->arg) != 0)
        line_cut(l, LINE_LEFT);
    l->moved = false;
    l->heard = false;
}

static void on_tick(void *arg)
{
    struct lines *all = arg;

    /* each its share of this tick */
    for (all->owed += all->count; all->owed >= TICKS_PER_BEAT && all->ring;
         all->owed -= TICKS_PER_BEAT) {
        struct line *l = all->ring;

        all->ring = l->next;
        beat(l);
    }
    if (all->ring)
        loop_timer_start(all->tick, TICK_MS);
}

struct lines *lines_new(struct loop *loop, struct metrics *metrics, size_t max)
{
    struct lines *all = mem_zalloc(sizeof *all);

    *all = (struct lines){ .loop = loop, .metrics = metrics, .max = max };
    all->flush = loop_timer_new(loop, on_flush, all);
    all->tick = loop_timer_new(loop, on_tick, all);
    return all;
}

void lines_free(struct lines *all)
{
    if (!all)
        return;
    while (all->ring)
        line_cut(all->ring, LINE_STOPPING);
    while (all->dirty || all->gone)
        on_flush(all);
    loop_timer_free(all->flush);
    loop_timer_free(all->tick);
    free(all);
}

bool lines_full(const struct lines *all)
{
    return all->count >= all->max;
}

size_t lines_unsent(const struct lines *all)
{
    return all->unsent;
}

void lines_dismiss(struct lines *all)
{
    struct line *l = all->ring;

    for (size_t n = all->count; n > 0; n--) {
        struct line *next = l->next;

        if (l->state == LINE_OPEN)
            l->owner->dismiss(l->arg);
        l = next;
    }
}

/* libmicrohttpd may have left it corked. */
static void prepare_socket(int fd)
{
    const int yes = 1;
    const int no = 0;
    const unsigned unreachable_ms = UNREACHABLE_MS;

    if (setsockopt(fd, IPPROTO_TCP, TCP_CORK, &no, sizeof no) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unreachable_ms,
                   sizeof unreachable_ms) != 0)
        log_debug(NULL, "could not set an option of a live client's socket: %s",
                  strerror(errno));
}

struct line *line_new(struct lines *all, int fd, const struct buf *head,
                      const struct line_owner *owner, void *arg)
{
    struct line *l = mem_zalloc(sizeof *l);

    *l = (struct line){ .all = all, .fd = fd, .owner = owner, .arg = arg };
    buf_init(&l->waiting, LINE_WAITING_BYTES + LINE_WRITE_BYTES);
    prepare_socket(fd);
    l->watch = loop_watch_new(all->loop, fd, LOOP_READ, on_ready, l);
    l->moved = true; /* since it was opened */
    join(all, l);
    line_write(l, head->data, head->len);
    l->heard = false; /* nothing of worth */
    return l;
}
