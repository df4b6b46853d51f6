#include "capture/filter_proxy.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "capture/tunnel.h"
#include "capture/url.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    REMEMBERED = 256,
    /* Chromium opens at most 32 per browser context through one proxy; there
     * are 64 contexts at most. */
    CONNECTIONS_MAX = 2048,
};

struct memory {
    char host[HOST_SIZE];
    uint16_t port;
    enum refusal refusal;
    int64_t when_ms;
};

struct filter_proxy {
    struct evconnlistener *listener;
    struct tunnel_world world;
    uint16_t port;
    size_t connections_max;
    struct memory refused[REMEMBERED];
    size_t refused_count; /* ever */
};

static void on_refused(const char *host, uint16_t port, enum refusal refusal,
                       void *arg)
{
    struct filter_proxy *p = arg;
    struct memory *m = &p->refused[p->refused_count++ % REMEMBERED];

    *m = (struct memory){ .port = port,
                          .refusal = refusal,
                          .when_ms = clock_monotonic_ms() };
    snprintf(m->host, sizeof m->host, "%s", host);
}

enum refusal filter_proxy_refusal(const struct filter_proxy *p, const char *url,
                                  int64_t since_ms)
{
    char host[HOST_SIZE];
    uint16_t port = 0;

    if (url_host(url, host, &port) != 0)
        return REFUSAL_NONE;
    for (size_t i = 0; i < REMEMBERED && i < p->refused_count; i++) {
        const struct memory *m =
            &p->refused[(p->refused_count - 1 - i) % REMEMBERED];

        if (m->when_ms < since_ms)
            break;
        if (m->port == port && strcasecmp(m->host, host) == 0)
            return m->refusal;
    }
    return REFUSAL_NONE;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                      struct sockaddr *peer, int peer_len, void *arg)
{
    struct filter_proxy *p = arg;

    (void)listener;
    (void)peer;
    (void)peer_len;
    if (p->world.count >= p->connections_max) {
        evutil_closesocket(fd);
        return;
    }
    tunnel_start(&p->world, fd);
}

/* Two descriptors each, and as many again for everything else. */
static size_t connections_max(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur / 4 < CONNECTIONS_MAX)
        return limit.rlim_cur / 4;
    return CONNECTIONS_MAX;
}

int filter_proxy_new(struct filter_proxy **out, struct loop *loop,
                     const struct guard *guard, char *error, size_t error_size)
{
    struct filter_proxy *p = mem_zalloc(sizeof *p);
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;

    p->connections_max = connections_max();
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    p->world = (struct tunnel_world){
        .base = loop_base(loop), .guard = guard, .refused = on_refused, .arg = p
    };
    if (resolver_new(&p->world.resolver, loop) != 0) {
        snprintf(error, error_size, "could not start the resolver: %s",
                 strerror(errno));
        goto fail;
    }
    p->listener = evconnlistener_new_bind(
        loop_base(loop), on_accept, p,
        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 128,
        (struct sockaddr *)&address, sizeof address);
    if (!p->listener || getsockname(evconnlistener_get_fd(p->listener),
                                    (struct sockaddr *)&address, &len) != 0) {
        snprintf(error, error_size, "could not listen on 127.0.0.1: %s",
                 strerror(errno));
        goto fail;
    }
    p->port = ntohs(address.sin_port);
    p->world.own_port = p->port;
    *out = p;
    return 0;
fail:
    filter_proxy_free(p);
    return -1;
}

void filter_proxy_free(struct filter_proxy *p)
{
    if (!p)
        return;
    if (p->listener)
        evconnlistener_free(p->listener);
    tunnel_stop_all(&p->world);
    /* libevent frees a bufferevent in the turn after its last callback. */
    event_base_loop(p->world.base, EVLOOP_NONBLOCK);
    resolver_free(p->world.resolver);
    free(p);
}

uint16_t filter_proxy_port(const struct filter_proxy *p)
{
    return p->port;
}
