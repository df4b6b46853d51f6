#include "capture/tunnel.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "capture/proxy_request.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    CONNECT_TIMEOUT_S = 5,      /* for each address of a name */
    IDLE_TIMEOUT_S = 150,       /* longer than any capture takes */
    WAITING_BYTES = 256 * 1024, /* for a slow side before the other waits */
};

enum tunnel_state {
    TUNNEL_HEAD,       /* the client is sending the head */
    TUNNEL_RESOLVING,  /* the name is being looked up */
    TUNNEL_CONNECTING, /* to one address after the other */
    TUNNEL_OPEN,       /* bytes go both ways */
    TUNNEL_CLOSING,    /* one side is gone, the other gets the rest */
};

struct tunnel {
    struct tunnel *next, *previous;
    struct tunnel_world *world;
    enum tunnel_state state;
    struct bufferevent *client;
    struct bufferevent *server; /* NULL until connecting */
    struct proxy_request request;
    int64_t body_left; /* of a plain request, from the client */
    struct lookup *lookup;
    struct addrinfo *addresses;
    const struct addrinfo *next_address;
    bool any_allowed;
};

static void try_next_address(struct tunnel *t);

static void tunnel_free(struct tunnel *t)
{
    if (t->previous)
        t->previous->next = t->next;
    else
        t->world->tunnels = t->next;
    if (t->next)
        t->next->previous = t->previous;
    t->world->count--;
    lookup_cancel(t->lookup);
    if (t->addresses)
        freeaddrinfo(t->addresses);
    if (t->client)
        bufferevent_free(t->client);
    if (t->server)
        bufferevent_free(t->server);
    proxy_request_release(&t->request);
    free(t);
}

static size_t waiting(struct bufferevent *side)
{
    return evbuffer_get_length(bufferevent_get_output(side));
}

static void set_timeouts(struct bufferevent *side, long read_s, long write_s)
{
    struct timeval read = { .tv_sec = read_s };
    struct timeval write = { .tv_sec = write_s };

    bufferevent_set_timeouts(side, read_s ? &read : NULL,
                             write_s ? &write : NULL);
}

static void on_last_written(struct bufferevent *side, void *arg)
{
    (void)side;
    tunnel_free(arg);
}

static void on_last_event(struct bufferevent *side, short what, void *arg)
{
    (void)side;
    (void)what;
    tunnel_free(arg);
}

/* Writes what is left to `side` and ends; the other side is of no more use. */
static void finish(struct tunnel *t, struct bufferevent *side)
{
    t->state = TUNNEL_CLOSING;
    if (waiting(side) == 0) {
        tunnel_free(t);
        return;
    }
    bufferevent_disable(side, EV_READ);
    bufferevent_setwatermark(side, EV_WRITE, 0, 0);
    bufferevent_setcb(side, NULL, on_last_written, on_last_event, t);
    if (side == t->client && t->server) {
        bufferevent_free(t->server);
        t->server = NULL;
    } else if (side == t->server) {
        bufferevent_free(t->client);
        t->client = NULL;
    }
}

static void answer(struct tunnel *t, const char *status, const char *why)
{
    evbuffer_add_printf(bufferevent_get_output(t->client),
                        "HTTP/1.1 %s\r\nX-Shotfleet-Refused: %s\r\n"
                        "Content-Length: 0\r\nConnection: close\r\n\r\n",
                        status, why);
    finish(t, t->client);
}

static void refuse(struct tunnel *t, enum refusal refusal)
{
    static const struct {
        const char *status;
        const char *why;
    } answers[REFUSAL_COUNT] = {
        [REFUSAL_BLOCKED] = { "403 Forbidden", "address-blocked" },
        [REFUSAL_UNRESOLVED] = { "502 Bad Gateway", "unresolved" },
        [REFUSAL_UNREACHABLE] = { "502 Bad Gateway", "unreachable" },
    };

    log_debug(LOG_WITH({ "host", t->request.host }),
              "page connection refused: %s", answers[refusal].why);
    t->world->refused(t->request.host, t->request.port, refusal, t->world->arg);
    answer(t, answers[refusal].status, answers[refusal].why);
}

/* Moves what `from` has received to `to`, which makes `from` wait when it does
 * not get rid of it. */
static void move(struct bufferevent *from, struct bufferevent *to)
{
    bufferevent_write_buffer(to, bufferevent_get_input(from));
    if (waiting(to) >= WAITING_BYTES)
        bufferevent_disable(from, EV_READ);
}

static void on_written(struct bufferevent *side, void *arg)
{
    struct tunnel *t = arg;

    bufferevent_enable(side == t->client ? t->server : t->client, EV_READ);
}

static void on_server_read(struct bufferevent *server, void *arg)
{
    struct tunnel *t = arg;

    move(server, t->client);
}

static void on_client_read(struct bufferevent *client, void *arg)
{
    struct tunnel *t = arg;
    struct evbuffer *input = bufferevent_get_input(client);

    if (!t->request.tunnel) {
        size_t len = evbuffer_get_length(input);

        /* What follows the body is a second request, perhaps for another
         * server: the client has to make it on a connection of its own. */
        if ((int64_t)len > t->body_left) {
            tunnel_free(t);
            return;
        }
        t->body_left -= (int64_t)len;
    }
    move(client, t->server);
}

static void on_side_event(struct bufferevent *side, short what, void *arg)
{
    struct tunnel *t = arg;

    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
        finish(t, side == t->client ? t->server : t->client);
}

static void open_side(struct tunnel *t, struct bufferevent *side,
                      bufferevent_data_cb on_read)
{
    set_timeouts(side, IDLE_TIMEOUT_S, IDLE_TIMEOUT_S);
    bufferevent_setwatermark(side, EV_READ, 0, WAITING_BYTES);
    bufferevent_setwatermark(side, EV_WRITE, WAITING_BYTES / 4, 0);
    bufferevent_setcb(side, on_read, on_written, on_side_event, t);
    bufferevent_enable(side, EV_READ | EV_WRITE);
}

static void open_tunnel(struct tunnel *t)
{
    static const char established[] = "HTTP/1.1 200 Connected\r\n\r\n";

    t->state = TUNNEL_OPEN;
    freeaddrinfo(t->addresses);
    t->addresses = NULL;
    open_side(t, t->server, on_server_read);
    open_side(t, t->client, on_client_read);
    if (t->request.tunnel)
        bufferevent_write(t->client, established, sizeof established - 1);
    else
        bufferevent_write(t->server, t->request.head.data, t->request.head.len);
    buf_release(&t->request.head);
    /* A body may have arrived together with the head. */
    if (evbuffer_get_length(bufferevent_get_input(t->client)) > 0)
        on_client_read(t->client, t);
}

static void on_connect_event(struct bufferevent *server, short what, void *arg)
{
    struct tunnel *t = arg;

    if (what & BEV_EVENT_CONNECTED) {
        open_tunnel(t);
        return;
    }
    bufferevent_free(server);
    t->server = NULL;
    try_next_address(t);
}

static bool is_own_port(const struct tunnel *t, const struct sockaddr *a)
{
    return a->sa_family == AF_INET &&
           ntohs(((const struct sockaddr_in *)(const void *)a)->sin_port) ==
               t->world->own_port &&
           (ntohl(((const struct sockaddr_in *)(const void *)a)
                      ->sin_addr.s_addr) >>
            24) == IN_LOOPBACKNET;
}

static void try_next_address(struct tunnel *t)
{
    while (t->next_address) {
        const struct addrinfo *a = t->next_address;

        t->next_address = a->ai_next;
        if (!guard_allows(t->world->guard, a->ai_addr) ||
            is_own_port(t, a->ai_addr))
            continue;
        t->any_allowed = true;
        t->server = bufferevent_socket_new(t->world->base, -1,
                                           BEV_OPT_CLOSE_ON_FREE |
                                               BEV_OPT_DEFER_CALLBACKS);
        bufferevent_setcb(t->server, NULL, NULL, on_connect_event, t);
        set_timeouts(t->server, 0, CONNECT_TIMEOUT_S);
        if (bufferevent_socket_connect(t->server, a->ai_addr,
                                       (int)a->ai_addrlen) == 0)
            return;
        bufferevent_free(t->server);
        t->server = NULL;
    }
    refuse(t, t->any_allowed ? REFUSAL_UNREACHABLE : REFUSAL_BLOCKED);
}

static void on_resolved(struct addrinfo *addresses, const char *error,
                        void *arg)
{
    struct tunnel *t = arg;

    t->lookup = NULL;
    t->addresses = addresses;
    if (error) {
        refuse(t, REFUSAL_UNRESOLVED);
        return;
    }
    t->state = TUNNEL_CONNECTING;
    t->next_address = addresses;
    try_next_address(t);
}

static void on_head_read(struct bufferevent *client, void *arg)
{
    struct tunnel *t = arg;
    struct evbuffer *input = bufferevent_get_input(client);
    struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
    size_t head_len = (size_t)end.pos + 4;
    const char *why = "the head is too long";
    const char *head = NULL;

    if (end.pos < 0 && evbuffer_get_length(input) < PROXY_HEAD_BYTES)
        return;
    if (end.pos < 0 || head_len > PROXY_HEAD_BYTES)
        goto bad;
    head = (const char *)evbuffer_pullup(input, (ev_ssize_t)head_len);
    if (proxy_request_parse(&t->request, head, head_len, &why) != 0)
        goto bad;
    evbuffer_drain(input, head_len);
    t->body_left = t->request.body_bytes;
    t->state = TUNNEL_RESOLVING;
    /* Not read from until there is somewhere to write to. */
    bufferevent_disable(client, EV_READ);
    t->lookup = resolver_lookup(t->world->resolver, t->request.host,
                                t->request.port, on_resolved, t);
    return;
bad:
    answer(t, "400 Bad Request", why);
}

static void on_head_event(struct bufferevent *client, short what, void *arg)
{
    (void)client;
    (void)what;
    tunnel_free(arg);
}

void tunnel_start(struct tunnel_world *world, int fd)
{
    struct tunnel *t = mem_zalloc(sizeof *t);

    t->world = world;
    t->next = world->tunnels;
    if (t->next)
        t->next->previous = t;
    world->tunnels = t;
    world->count++;
    t->state = TUNNEL_HEAD;
    /* Deferred, so that no callback runs inside a call to libevent and frees
     * what the caller still holds. */
    t->client = bufferevent_socket_new(
        world->base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    bufferevent_setwatermark(t->client, EV_READ, 0, PROXY_HEAD_BYTES + 1);
    bufferevent_setcb(t->client, on_head_read, NULL, on_head_event, t);
    set_timeouts(t->client, IDLE_TIMEOUT_S, IDLE_TIMEOUT_S);
    bufferevent_enable(t->client, EV_READ | EV_WRITE);
}

void tunnel_stop_all(struct tunnel_world *world)
{
    while (world->tunnels)
        tunnel_free(world->tunnels);
}
