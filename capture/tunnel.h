/* tunnel.h - one connection through the filter proxy, from head to last byte.
 *
 * Reads the head, resolves, asks the guard, connects, then moves bytes both
 * ways with back-pressure: a side that does not read makes the other one wait.
 */
#ifndef TUNNEL_H
#define TUNNEL_H

#include "capture/filter_proxy.h"
#include "capture/resolver.h"

struct event_base;
struct tunnel;

/* What all tunnels share. */
struct tunnel_world {
    struct event_base *base;
    const struct guard *guard;
    struct resolver *resolver;
    uint16_t own_port; /* of the proxy: not to be reached through itself */
    void (*refused)(const char *host, uint16_t port, enum refusal refusal,
                    void *arg);
    void *arg;
    struct tunnel *tunnels;
    size_t count;
};

/* Takes `fd`.  The tunnel ends by itself. */
void tunnel_start(struct tunnel_world *world, int fd);
void tunnel_stop_all(struct tunnel_world *world);

#endif
