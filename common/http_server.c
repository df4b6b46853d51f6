#include "common/http_server.h"

#include <assert.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/address_counts.h"
#include "common/descriptors.h"
#include "common/http_internal.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    HEAD_TIMEOUT_S = 10,
    BODY_TIMEOUT_S = 30,
    IDLE_TIMEOUT_S = 30,
    MAX_CONNECTIONS = 10000,
    BODIES = 64, /* of the largest size, at the same time */
    /* Descriptors for all that is no connection of ours. */
    OTHER_DESCRIPTORS = 256,
    /* What libmicrohttpd keeps of a header beside its text, and the head of the
     * answer. */
    HEADER_BYTES = 64,
    ANSWER_BYTES = 1536,
    /* MHD_run() calls in one go; then other callbacks have their turn. */
    ROUNDS = 16,
    /* So many in which nothing came of it are followed by a rest. */
    IDLE_ROUNDS = 8,
    REST_MS = 2,
};

PRINTF_LIKE(2, 0)
static void on_log(void *cls, const char *fmt, va_list args)
{
    char text[256];
    int len;

    (void)cls;
    len = vsnprintf(text, sizeof text, fmt, args);
    if (len < 0)
        return;
    if ((size_t)len >= sizeof text)
        len = (int)sizeof text - 1;
    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    log_debug(NULL, "libmicrohttpd: %s", text);
}

void http_server_resume(struct http_server *s,
                        struct MHD_Connection *connection)
{
    MHD_resume_connection(connection);
    http_server_run_soon(s);
}

void http_server_run_soon(struct http_server *s)
{
    if (s->again)
        return;
    s->again = true;
    loop_timer_soon(s->soon);
}

/* libmicrohttpd asks to be called at once, again and again, where somebody
 * waits for an answer; and before 1.0 also where a connection has more to read
 * than room for it (a chunk's size that never ends).  An answer comes to us
 * anyway, a deadline ends the other, and until then it gets little time: while
 * somebody waits, only half-read requests are worth another look at all. */
static bool may_rest(const struct http_server *s, unsigned idle_rounds)
{
    if (s->waiting == 0)
        return idle_rounds >= IDLE_ROUNDS;
    return idle_rounds > 0 || s->request_count == s->in_flight;
}

static void run(struct http_server *s)
{
    unsigned idle_rounds = 0;

    for (int round = 0; round < ROUNDS; round++) {
        MHD_UNSIGNED_LONG_LONG wait_ms = 0;
        uint64_t before = s->calls;

        s->again = false;
        MHD_run(s->daemon);
        idle_rounds = s->calls == before ? idle_rounds + 1 : 0;
        if (s->again)
            continue;
        if (MHD_get_timeout(s->daemon, &wait_ms) != MHD_YES)
            return;
        if (wait_ms == 0 && !may_rest(s, idle_rounds))
            continue;
        if (wait_ms == 0)
            wait_ms = REST_MS;
        /* The oldest connection's deadline only moves away: a timer that runs
         * already is early at worst. */
        if (wait_ms == REST_MS || !loop_timer_running(s->timer))
            loop_timer_start(s->timer, (int64_t)wait_ms);
        return;
    }
    loop_timer_start(s->timer, 0);
}

/* Answers that are ready as well leave in the same run: it looks at all who
 * wait for one. */
static void on_wake(int ready, void *arg)
{
    struct http_server *s = arg;

    (void)ready;
    loop_timer_soon(s->soon);
}

static void on_timer(void *arg)
{
    run(arg);
}

static void on_over(void *arg)
{
    http_request_free_orphans(arg);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof address;
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    memcpy(&v4, &address, sizeof v4);
    memcpy(&v6, &address, sizeof v6);
    return ntohs(address.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
}

/* All of it is zeroed for each request: keep it small. */
static size_t connection_memory(const struct http_server *s)
{
    return s->options.max_head_bytes + http_max_headers(s) * HEADER_BYTES +
           ANSWER_BYTES;
}

static struct MHD_Daemon *start(struct http_server *s, int fd)
{
    const struct http_server_options *o = &s->options;
    struct MHD_OptionItem items[] = {
        /* The logger comes first, so that it hears about the others. */
        { MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, NULL },
        { MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_access_line, s },
        { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_access_over, s },
        { MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)http_connection_notify, s },
        { MHD_OPTION_LISTEN_SOCKET, fd, NULL },
        { MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL },
        { MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)connection_memory(s),
          NULL },
        { MHD_OPTION_CONNECTION_TIMEOUT, o->idle_timeout_s, NULL },
        { MHD_OPTION_CONNECTION_LIMIT, o->max_connections, NULL },
    /* Older ones know only the lack of Host and a blank in the target, find
     * out too late, and send the head of their answer twice; the guard
     * refuses both.  Nothing lower than 1 for the newer: a bare LF would end a
     * line and folded lines be joined, and the guard would not see it. */
#if MHD_VERSION >= 0x00097701
        { MHD_OPTION_CLIENT_DISCIPLINE_LVL, 2, NULL },
#endif
        { MHD_OPTION_END, 0, NULL },
    };

    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
                                MHD_USE_ERROR_LOG,
                            0, http_connection_accept, s, http_access, s,
                            MHD_OPTION_ARRAY, items, MHD_OPTION_END);
}

static unsigned or_default(unsigned value, unsigned fallback)
{
    return value > 0 ? value : fallback;
}

/* The options with their defaults. */
static struct http_server_options
complete(const struct http_server_options *options)
{
    struct http_server_options o = *options;

    o.listen = NULL; /* borrowed, and no longer needed */
    if (o.max_head_bytes == 0 || o.max_head_bytes > LIMIT_HTTP_HEAD_BYTES)
        o.max_head_bytes = LIMIT_HTTP_HEAD_BYTES;
    if (o.max_bodies_bytes == 0)
        o.max_bodies_bytes = BODIES * o.max_body_bytes;
    o.head_timeout_s = or_default(o.head_timeout_s, HEAD_TIMEOUT_S);
    o.body_timeout_s = or_default(o.body_timeout_s, BODY_TIMEOUT_S);
    o.idle_timeout_s = or_default(o.idle_timeout_s, IDLE_TIMEOUT_S);
    o.max_connections = or_default(o.max_connections, MAX_CONNECTIONS);
    return o;
}

/* No more connections than the limit of open files has room for. */
static void limit_connections(struct http_server_options *o)
{
    size_t wanted = (size_t)o->max_connections + o->max_taken;
    size_t room = descriptors_provide(wanted, OTHER_DESCRIPTORS);

    if (room >= wanted)
        return;
    log_warning(NULL,
                "taking %zu connections instead of %zu: the limit of open "
                "files allows no more; raise it (ulimit -Hn, LimitNOFILE=)",
                room, wanted);
    o->max_taken = (unsigned)(o->max_taken * room / wanted);
    o->max_connections = (unsigned)room - o->max_taken;
}

struct http_server *http_server_new(struct loop *loop,
                                    const struct http_server_options *options,
                                    char *error, size_t error_size)
{
    struct http_server *s;
    int fd = http_listen_open(options->listen, options->reuse_port, error,
                              error_size);

    if (fd < 0)
        return NULL;
    signal(SIGPIPE, SIG_IGN); /* sendfile() has no MSG_NOSIGNAL */
    s = mem_zalloc(sizeof *s);
    s->options = complete(options);
    limit_connections(&s->options);
    s->nowhere = -1;
    s->loop = loop;
    s->port = port_of(fd);
    s->old_parser = MHD_get_version()[0] == '0';
    s->daemon = start(s, fd); /* owns fd, also when it fails */
    if (!s->daemon) {
        snprintf(error, error_size,
                 "could not listen on %s: libmicrohttpd did not start",
                 options->listen);
        free(s);
        return NULL;
    }
    s->timer = loop_timer_new(loop, on_timer, s);
    s->soon = loop_timer_new(loop, on_timer, s);
    s->over_timer = loop_timer_new(loop, on_over, s);
    s->tick = loop_timer_new(loop, http_connection_tick, s);
    s->addresses = address_counts_new();
    s->watch = loop_watch_new(
        loop,
        MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
        LOOP_READ, on_wake, s);
    return s;
}

void http_server_quiesce(struct http_server *s)
{
    int fd;

    if (s->quiescing)
        return;
    s->quiescing = true;
    fd = MHD_quiesce_daemon(s->daemon);
    if (fd >= 0)
        close(fd);
}

size_t http_server_in_flight(const struct http_server *s)
{
    return s->in_flight;
}

size_t http_server_connections(const struct http_server *s)
{
    return s->connection_count;
}

unsigned http_server_max_taken(const struct http_server *s)
{
    return s->options.max_taken;
}

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    loop_watch_free(s->watch);
    for (struct http_request *r = s->requests; r; r = r->next) {
        if (r->state == REQUEST_SLEEPING)
            http_server_resume(s, r->connection);
    }
    MHD_stop_daemon(s->daemon);
    while (s->requests) /* orphans that nobody has answered */
        http_request_free(s->requests);
    assert(!s->connections);
    on_over(s);
    if (s->nowhere >= 0)
        close(s->nowhere);
    loop_timer_free(s->timer);
    loop_timer_free(s->soon);
    loop_timer_free(s->over_timer);
    loop_timer_free(s->tick);
    address_counts_free(s->addresses);
    free(s);
}
