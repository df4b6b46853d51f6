/* http_stream.c - an answer whose body is written over time.
 *
 * libmicrohttpd asks for bytes; when there are none the connection is suspended
 * and the next write resumes it.  It notices a client that went away only when
 * it writes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/http_internal.h"
#include "common/mem.h"

enum {
    STREAM_WAITING_BYTES = 256 * 1024, /* for a client that does not read */
    STREAM_BLOCK_BYTES = 4 * 1024,
};

enum stream_state {
    STREAM_FLOWING,  /* libmicrohttpd will ask for bytes by itself */
    STREAM_SLEEPING, /* suspended: no bytes were there */
    STREAM_ENDING,   /* the owner ended it; the rest is on its way */
    STREAM_GONE,     /* the request is over; `closed` is due */
};

struct http_stream {
    struct http_stream *next; /* among those that are over */
    struct http_server *server;
    struct MHD_Connection *connection;
    enum stream_state state;
    struct buf waiting;
    void (*closed)(void *arg);
    void *arg;
};

/* MHD_ContentReaderCallback */
static ssize_t on_read(void *cls, uint64_t position, char *out, size_t max)
{
    struct http_stream *s = cls;
    size_t n = s->waiting.len < max ? s->waiting.len : max;

    (void)position;
    s->server->calls++;
    if (n > 0) {
        memcpy(out, s->waiting.data, n);
        buf_consume(&s->waiting, n);
        return (ssize_t)n;
    }
    if (s->state == STREAM_ENDING)
        return MHD_CONTENT_READER_END_OF_STREAM;
    MHD_suspend_connection(s->connection);
    s->state = STREAM_SLEEPING;
    return 0;
}

static struct MHD_Response *response_of(const struct http_request *r,
                                        struct http_stream *s)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, on_read, s, NULL);

    /* libmicrohttpd before 1.0 ends a chunked body even where HEAD gets none,
     * and the client would read that as the start of the next answer. */
    if (r->server->old_parser && strcmp(r->method, "HEAD") == 0)
        MHD_set_response_options(response, MHD_RF_HTTP_VERSION_1_0_ONLY,
                                 MHD_RO_END);
    return response;
}

struct http_stream *http_stream_begin(struct http_request *r, unsigned status,
                                      const char *type,
                                      const struct http_field *fields,
                                      void (*closed)(void *arg), void *arg)
{
    struct http_stream *s = mem_zalloc(sizeof *s);

    s->server = r->server;
    s->connection = r->connection;
    s->closed = closed;
    s->arg = arg;
    buf_init(&s->waiting, STREAM_WAITING_BYTES);
    r->stream = s;
    http_request_answer(r, status, response_of(r, s), type, fields);
    return s;
}

void http_stream_wake(struct http_stream *s)
{
    if (s->state != STREAM_SLEEPING)
        return;
    s->state = STREAM_FLOWING;
    http_server_resume(s->server, s->connection);
}

int http_stream_write(struct http_stream *s, const char *ptr, size_t len)
{
    assert(s->state != STREAM_ENDING);
    if (s->state == STREAM_GONE || len == 0)
        return 0;
    if (buf_append(&s->waiting, ptr, len) != 0)
        return -1;
    http_stream_wake(s);
    return 0;
}

void http_stream_end(struct http_stream *s)
{
    if (s->state == STREAM_GONE)
        return;
    http_stream_wake(s);
    s->state = STREAM_ENDING;
}

void http_stream_gone(struct http_stream *s)
{
    s->state = STREAM_GONE;
    s->next = s->server->over;
    s->server->over = s;
    loop_timer_start(s->server->over_timer, 0);
}

void http_streams_finish(struct http_server *server)
{
    while (server->over) {
        struct http_stream *s = server->over;

        server->over = s->next;
        if (s->closed)
            s->closed(s->arg);
        buf_release(&s->waiting);
        free(s);
    }
}
