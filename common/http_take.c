/* http_take.c - gives the socket of a request away.
 *
 * libmicrohttpd's own upgrade keeps the connection's memory for as long as the
 * socket is open, knows 101 only, and walks over all sleeping connections each
 * time that one wakes up.  So the socket is duplicated for its new owner, and
 * while the connection sleeps (and is in nobody's epoll set) its descriptor is
 * made to lead nowhere; libmicrohttpd then closes that, and has forgotten it.
 */
#include <assert.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/http_internal.h"

static int open_nowhere(struct http_server *s)
{
    if (s->nowhere < 0)
        s->nowhere =
            socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return s->nowhere;
}

void http_take_away(struct http_request *r)
{
    int rc = dup3(r->server->nowhere, r->place->fd, O_CLOEXEC);

    assert(rc == r->place->fd); /* needs no new descriptor */
    (void)rc;
    http_server_resume(r->server, r->connection);
}

void http_will_take(struct http_request *r)
{
    r->taken_later = true;
}

int http_take(struct http_request *r)
{
    int fd;

    assert(!r->response &&
           (r->state == REQUEST_HANDLING || r->state == REQUEST_SLEEPING));
    if (open_nowhere(r->server) < 0)
        return -1;
    fd = fcntl(r->place->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (r->state == REQUEST_SLEEPING)
        http_take_away(r);
    r->state = REQUEST_TAKEN;
    return fd;
}
