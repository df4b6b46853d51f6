/* http_connection.c - who may connect, and how long a connection may take.
 *
 * libmicrohttpd knows one time-out, from the last byte in either direction; a
 * client that sends a byte now and then never meets it.  So each connection has
 * a deadline here, and a timer that looks at all of them once a second.  Time
 * is counted in its ticks: nobody needs to read a clock for each request, and
 * whoever waited while this process stood still is not blamed for it.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/address_counts.h"
#include "common/http_internal.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    TICK_MS = 1000,
    /* What an idle connection gets when there is hardly room for others. */
    PRESSED_IDLE_S = 2,
    WARNING_EVERY_S = 60,
    /* An origin may stand in it, which came in the request's own head. */
    REFUSAL_HEAD_BYTES = LIMIT_HTTP_HEAD_BYTES,
};

static uint64_t after(const struct http_server *s, unsigned seconds)
{
    return s->now_s + seconds + 1; /* the tick that runs has begun already */
}

static const struct sockaddr *peer_of(const struct http_connection *c)
{
    return MHD_get_connection_info(c->connection,
                                   MHD_CONNECTION_INFO_CLIENT_ADDRESS)
        ->client_addr;
}

void http_server_tell(struct http_server *s, enum http_event event,
                      const struct sockaddr *peer, const char *why)
{
    if (s->options.event)
        s->options.event(event, peer, why, s->options.arg);
}

static bool counts(const struct http_server *s, const struct sockaddr *peer)
{
    const struct http_server_options *o = &s->options;

    return o->max_per_address > 0 &&
           (!o->is_proxy || !o->is_proxy(peer, o->arg));
}

enum MHD_Result http_connection_accept(void *cls, const struct sockaddr *peer,
                                       socklen_t peer_len)
{
    struct http_server *s = cls;

    (void)peer_len;
    if (!counts(s, peer) ||
        address_counts_get(s->addresses, address_counts_key(peer)) <
            s->options.max_per_address)
        return MHD_YES;
    if (s->refused++ == 0)
        address_format(peer, s->refused_ip);
    http_server_tell(s, HTTP_CONNECTION_REFUSED, peer, NULL);
    return MHD_NO;
}

static void open_connection(struct http_server *s,
                            struct MHD_Connection *connection, void **context)
{
    struct http_connection *c = mem_zalloc(sizeof *c);

    *context = c;
    c->server = s;
    c->connection = connection;
    c->fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
            ->connect_fd;
    c->deadline_s = after(s, s->options.head_timeout_s);
    c->counted = counts(s, peer_of(c));
    if (c->counted) {
        c->address = address_counts_key(peer_of(c));
        address_counts_add(s->addresses, c->address);
    }
    c->next = s->connections;
    c->link = &s->connections;
    if (c->next)
        c->next->link = &c->next;
    s->connections = c;
    s->connection_count++;
    if (!loop_timer_running(s->tick))
        loop_timer_start(s->tick, TICK_MS);
    http_server_tell(s, HTTP_CONNECTION_OPENED, peer_of(c), NULL);
}

static void close_connection(struct http_connection *c)
{
    struct http_server *s = c->server;

    /* The old parser forgets some whose head it refuses. */
    if (c->request)
        http_request_free(c->request);
    http_server_tell(s, HTTP_CONNECTION_CLOSED, peer_of(c), NULL);
    if (c->counted)
        address_counts_remove(s->addresses, c->address);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    s->connection_count--;
    free(c);
}

void http_connection_notify(void *cls, struct MHD_Connection *connection,
                            void **context,
                            enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = cls;

    s->calls++;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        open_connection(s, connection, context);
        return;
    }
    close_connection(*context);
    *context = NULL;
    /* At its limit of connections or descriptors libmicrohttpd turns away from
     * the listening socket; now it turns back, but only in the next MHD_run().
     */
    s->again = true;
}

struct http_connection *http_connection_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection,
                                   MHD_CONNECTION_INFO_SOCKET_CONTEXT)
        ->socket_context;
}

void http_connection_begin(struct http_connection *c, struct http_request *r)
{
    c->request = r;
    if (c->used) /* else the time runs since it was opened */
        c->deadline_s = after(c->server, c->server->options.head_timeout_s);
}

void http_connection_expect_body(struct http_connection *c)
{
    c->moved = true;
    c->deadline_s = after(c->server, c->server->options.body_timeout_s);
}

void http_connection_got_body(struct http_connection *c)
{
    c->moved = true;
}

void http_connection_wait_for_us(struct http_connection *c)
{
    c->deadline_s = UINT64_MAX;
}

/* Silence is libmicrohttpd's to notice; here it is a request line that comes
 * byte by byte. */
static unsigned quiet_s(const struct http_server *s)
{
    return s->options.idle_timeout_s + s->options.head_timeout_s;
}

void http_connection_end(struct http_connection *c)
{
    c->request = NULL;
    c->used = true;
    c->deadline_s = after(c->server, quiet_s(c->server));
}

void http_connection_refuse(struct http_connection *c, const char *status,
                            const char *why)
{
    struct http_refusal refusal;
    struct buf answer;
    int rc;

    http_refusal_init(&refusal, c->request, (unsigned)strtoul(status, NULL, 10),
                      why);
    buf_init(&answer, REFUSAL_HEAD_BYTES + HTTP_REFUSAL_BYTES);
    rc = buf_printf(&answer,
                    "HTTP/1.1 %s\r\n"
                    "Content-Type: %s\r\n"
                    "Content-Length: %zu\r\n"
                    "Connection: close\r\n",
                    status, refusal.type, refusal.body.len);
    for (const struct http_field *f = refusal.fields; f->name; f++)
        rc |= buf_printf(&answer, "%s: %s\r\n", f->name, f->value);
    rc |= buf_printf(&answer, "\r\n%s", refusal.body.data);
    c->request->state = REQUEST_LINGERING;
    if (rc != 0 ||
        send(c->fd, answer.data, answer.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug(NULL, "could not send a refusal: %s", strerror(errno));
    http_refusal_release(&refusal);
    buf_release(&answer);
    shutdown(c->fd, SHUT_WR);
}

void http_refusal_init(struct http_refusal *out, struct http_request *r,
                       unsigned status, const char *why)
{
    const struct http_server_options *o = &r->server->options;
    int rc = 0;

    *out = (struct http_refusal){ .type = "application/json" };
    buf_init(&out->body, HTTP_REFUSAL_BYTES);
    if (o->refusal)
        o->refusal(out, r, status, why, o->arg);
    else
        rc = buf_printf(&out->body, "{\"error\":\"%s\"}\n", why);
    assert(rc == 0 && out->body.data);
    (void)rc;
}

void http_refusal_release(struct http_refusal *r)
{
    buf_release(&r->body);
}

/* libmicrohttpd learns of it from epoll, as if the client had gone away. */
void http_connection_cut(struct http_connection *c)
{
    shutdown(c->fd, SHUT_RDWR);
}

static void expire(struct http_connection *c)
{
    static const char slow_head[] = "request head too slow";
    static const char slow_body[] = "request body too slow";
    struct http_server *s = c->server;

    c->deadline_s = UINT64_MAX;
    if (!c->request) {
        if (!c->used)
            http_server_tell(s, HTTP_HEAD_TIMED_OUT, peer_of(c), slow_head);
    } else if (c->request->state == REQUEST_HEAD) {
        http_connection_refuse(c, "408 Request Timeout", slow_head);
        http_server_tell(s, HTTP_HEAD_TIMED_OUT, peer_of(c), slow_head);
    } else if (c->request->state == REQUEST_BODY) {
        http_connection_refuse(c, "408 Request Timeout", slow_body);
        http_server_tell(s, HTTP_BODY_TIMED_OUT, peer_of(c), slow_body);
    }
    http_connection_cut(c);
}

/* Bytes are there and libmicrohttpd takes none of them: its memory is full of a
 * chunk's size or extension that has no end. */
static bool is_stuck(struct http_connection *c)
{
    bool moved = c->moved;
    int bytes = 0;

    c->moved = false;
    return c->request && c->request->state == REQUEST_BODY && !moved &&
           ioctl(c->fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

static void drop_stuck(struct http_connection *c)
{
    static const char why[] = "malformed chunks";

    http_connection_refuse(c, "400 Bad Request", why);
    http_server_tell(c->server, HTTP_BODY_MALFORMED, peer_of(c), why);
    http_connection_cut(c);
}

static bool is_pressed(const struct http_server *s)
{
    unsigned max = s->options.max_connections;

    return s->connection_count >= max - max / 16;
}

static void warn_of_refused(struct http_server *s)
{
    if (s->refused == 0 || s->now_s < s->quiet_until_s)
        return;
    log_warning(LOG_WITH({ "ip", s->refused_ip }),
                "refused %u connections, the first from this address: it has "
                "%u open; if it is a proxy, trust it",
                s->refused, s->options.max_per_address);
    s->refused = 0;
    s->quiet_until_s = s->now_s + WARNING_EVERY_S;
}

void http_connection_tick(void *server)
{
    struct http_server *s = server;
    uint64_t sooner_s = is_pressed(s) ? quiet_s(s) - PRESSED_IDLE_S : 0;

    s->now_s++;
    for (struct http_connection *c = s->connections; c; c = c->next) {
        bool idle = c->used && !c->request;

        if (c->deadline_s <= s->now_s + (idle ? sooner_s : 0))
            expire(c);
        else if (is_stuck(c))
            drop_stuck(c);
    }
    warn_of_refused(s);
    if (s->connections)
        loop_timer_start(s->tick, TICK_MS);
}
