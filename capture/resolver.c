#include "capture/resolver.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/url.h"
#include "common/mem.h"

/* Pointers to finished lookups travel from glibc's threads through a pipe; a
 * write of a pointer is atomic (less than PIPE_BUF). */
struct resolver {
    struct loop_watch *watch;
    int pipe[2];
    size_t under_way;
};

struct lookup {
    struct gaicb request;
    struct addrinfo hints;
    char host[HOST_SIZE];
    char port[sizeof "65535"];
    int finished_fd; /* of the resolver's pipe */
    lookup_fn *fn;   /* NULL: cancelled */
    void *arg;
};

/* On a thread of glibc's own. */
static void on_thread_done(union sigval value)
{
    struct lookup *l = value.sival_ptr;

    while (write(l->finished_fd, &l, sizeof l) < 0 && errno == EINTR)
        ;
}

static void finish(struct resolver *r, struct lookup *l)
{
    int error = gai_error(&l->request);
    struct addrinfo *addresses = error == 0 ? l->request.ar_result : NULL;
    const char *why = addresses ? NULL
                      : error   ? gai_strerror(error)
                                : "the resolver is out of threads";

    assert(r->under_way > 0);
    r->under_way--;
    if (l->fn)
        l->fn(addresses, why, l->arg);
    else if (addresses)
        freeaddrinfo(addresses);
    free(l);
}

static void on_readable(int ready, void *arg)
{
    struct resolver *r = arg;
    struct lookup *l = NULL;

    (void)ready;
    while (read(r->pipe[0], &l, sizeof l) == (ssize_t)sizeof l)
        finish(r, l);
}

int resolver_new(struct resolver **out, struct loop *loop)
{
    struct resolver *r = mem_zalloc(sizeof *r);

    if (pipe2(r->pipe, O_CLOEXEC) != 0) {
        free(r);
        return -1;
    }
    fcntl(r->pipe[0], F_SETFL, O_NONBLOCK);
    r->watch = loop_watch_new(loop, r->pipe[0], LOOP_READ, on_readable, r);
    *out = r;
    return 0;
}

void resolver_free(struct resolver *r)
{
    if (!r)
        return;
    loop_watch_free(r->watch);
    /* A thread may still write to the pipe: then it stays open until the
     * process ends, which is what follows. */
    if (r->under_way == 0) {
        close(r->pipe[0]);
        close(r->pipe[1]);
    }
    free(r);
}

struct lookup *resolver_lookup(struct resolver *r, const char *host,
                               uint16_t port, lookup_fn *fn, void *arg)
{
    struct lookup *l = mem_zalloc(sizeof *l);
    struct gaicb *list[] = { &l->request };
    struct sigevent done = {
        .sigev_notify = SIGEV_THREAD,
        .sigev_notify_function = on_thread_done,
        .sigev_value.sival_ptr = l,
    };

    snprintf(l->host, sizeof l->host, "%s", host);
    snprintf(l->port, sizeof l->port, "%u", port);
    l->hints = (struct addrinfo){ .ai_socktype = SOCK_STREAM,
                                  .ai_flags = AI_NUMERICSERV };
    l->request = (struct gaicb){ .ar_name = l->host,
                                 .ar_service = l->port,
                                 .ar_request = &l->hints };
    l->finished_fd = r->pipe[1];
    l->fn = fn;
    l->arg = arg;
    r->under_way++;
    if (getaddrinfo_a(GAI_NOWAIT, list, 1, &done) != 0)
        on_thread_done(done.sigev_value);
    return l;
}

void lookup_cancel(struct lookup *l)
{
    if (l)
        l->fn = NULL;
}
