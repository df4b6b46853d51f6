#include "capture/message_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    /* The largest picture as base64 inside JSON. */
    MESSAGE_MAX = LIMIT_PICTURE_BYTES / 3 * 4 + 4096,
    UNSENT_MAX = 64 * 1024 * 1024, /* a few pages of html in requests */
    READ_BYTES = 256 * 1024,
    KEEP_BYTES = 4 * READ_BYTES, /* a larger buffer is given back after use */
    PIPE_BYTES = 1024 * 1024,    /* fewer wake-ups than with 64 KiB */
    CUT_BYTES = 256,
};

struct message_pipe {
    int write_fd, read_fd;
    struct loop_watch *write_watch, *read_watch;
    struct buf unsent;
    struct buf received; /* the beginning of one message */
    bool cutting;        /* dropping the rest of one that is too long */
    char cut[CUT_BYTES + 1];
    char *scratch;
    message_fn *message;
    loop_fn *closed;
    void *arg;
};

static void add(struct message_pipe *p, const char *ptr, size_t len)
{
    if (p->cutting || buf_append(&p->received, ptr, len) == 0)
        return;
    log_warning(NULL,
                "ignored a message from Chromium: it has more than %d bytes",
                MESSAGE_MAX);
    snprintf(p->cut, sizeof p->cut, "%s", p->received.data);
    p->cutting = true;
    buf_release(&p->received);
}

static void complete(struct message_pipe *p)
{
    if (p->cutting)
        p->message(p->cut, strlen(p->cut), true, p->arg);
    else if (p->received.len > 0)
        p->message(p->received.data, p->received.len, false, p->arg);
    p->cutting = false;
    if (p->received.cap > KEEP_BYTES)
        buf_release(&p->received);
    else
        buf_clear(&p->received);
}

static void on_readable(int ready, void *arg)
{
    struct message_pipe *p = arg;
    ssize_t len = read(p->read_fd, p->scratch, READ_BYTES);
    const char *ptr = p->scratch;
    const char *nul = NULL;

    (void)ready;
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) {
        loop_watch_set(p->read_watch, 0);
        p->closed(p->arg);
        return;
    }
    while (len > 0 && (nul = memchr(ptr, 0, (size_t)len))) {
        add(p, ptr, (size_t)(nul - ptr));
        complete(p);
        len -= nul + 1 - ptr;
        ptr = nul + 1;
    }
    if (len > 0)
        add(p, ptr, (size_t)len);
}

static void on_writable(int ready, void *arg)
{
    struct message_pipe *p = arg;
    ssize_t len = 0;

    (void)ready;
    while (p->unsent.len > 0) {
        len = write(p->write_fd, p->unsent.data, p->unsent.len);
        if (len < 0)
            break;
        buf_consume(&p->unsent, (size_t)len);
    }
    if (len < 0 && errno != EAGAIN && errno != EINTR)
        buf_clear(&p->unsent); /* nobody reads any more: `closed` tells */
    loop_watch_set(p->write_watch, p->unsent.len > 0 ? LOOP_WRITE : 0);
}

int message_pipe_send(struct message_pipe *p, const char *ptr, size_t len)
{
    if (buf_append(&p->unsent, ptr, len) != 0 ||
        buf_append(&p->unsent, "", 1) != 0)
        return -1;
    on_writable(LOOP_WRITE, p);
    return 0;
}

static void prepare(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    (void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* may be refused: no harm */
}

struct message_pipe *message_pipe_new(struct loop *loop, int write_fd,
                                      int read_fd, message_fn *message,
                                      loop_fn *closed, void *arg)
{
    struct message_pipe *p = mem_zalloc(sizeof *p);

    p->write_fd = write_fd;
    p->read_fd = read_fd;
    prepare(write_fd);
    prepare(read_fd);
    buf_init(&p->unsent, UNSENT_MAX);
    buf_init(&p->received, MESSAGE_MAX);
    p->scratch = mem_alloc(READ_BYTES);
    p->message = message;
    p->closed = closed;
    p->arg = arg;
    p->read_watch = loop_watch_new(loop, read_fd, LOOP_READ, on_readable, p);
    p->write_watch = loop_watch_new(loop, write_fd, 0, on_writable, p);
    return p;
}

void message_pipe_free(struct message_pipe *p)
{
    if (!p)
        return;
    loop_watch_free(p->read_watch);
    loop_watch_free(p->write_watch);
    close(p->write_fd);
    close(p->read_fd);
    buf_release(&p->unsent);
    buf_release(&p->received);
    free(p->scratch);
    free(p);
}
