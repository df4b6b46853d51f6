/* http_server.h - a strict HTTP/1.1 server inside the loop.
 *
 * libmicrohttpd does the sockets and the syntax in its external epoll mode;
 * http_guard.h refuses what it lets pass (RFC 9112).  A handler is called once
 * per request, when the whole body is there, and answers now or later; the
 * connection sleeps meanwhile.  Nothing here knows what a webhook is.
 *
 * Whoever is slow on purpose loses: head, body and silence have their time, and
 * a connection that exceeds it is closed (408 where a request is half read).
 * Near `max_connections`, those that idle between requests make room.
 *
 * Every request is answered exactly once: http_respond(), or its socket is
 * taken away with http_take().
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <sys/socket.h>

#include "common/base.h"
#include "common/buf.h"
#include "common/http_listen.h" /* http_listen_parse() */
#include "common/loop.h"
#include "common/query.h"

struct http_server;
struct http_request;

/* The body is complete.  The request stays valid until it has been answered. */
typedef void http_handler(struct http_request *request, void *arg);

/* What befalls connections and requests before a handler sees them. */
enum http_event {
    HTTP_CONNECTION_OPENED,
    HTTP_CONNECTION_CLOSED,
    HTTP_CONNECTION_REFUSED, /* its address has as many as it may have */
    HTTP_HEAD_MALFORMED,     /* 400 or 501: not by RFC 9112 */
    HTTP_HEAD_TOO_LARGE,     /* 431, or 414 */
    HTTP_BODY_MALFORMED,     /* 400: chunks not by RFC 9112 */
    HTTP_BODY_TOO_LARGE,     /* 413 */
    HTTP_HEAD_TIMED_OUT,
    HTTP_BODY_TIMED_OUT,
    HTTP_BODIES_TOO_MANY, /* 503: the memory for bodies is full */
    HTTP_EVENT_COUNT,
    HTTP_FIRST_REFUSAL = HTTP_CONNECTION_REFUSED, /* and all behind it */
};
/* `why` is a few words for the log, or NULL.  Must not free the server. */
typedef void http_event_fn(enum http_event event, const struct sockaddr *peer,
                           const char *why, void *arg);

struct http_field {
    const char *name;
    const char *value;
};

/* What somebody is told whose request no handler sees. */
enum { HTTP_REFUSAL_BYTES = 1024, HTTP_REFUSAL_FIELDS = 12 };
struct http_refusal {
    const char *type; /* of the body */
    struct buf body;  /* takes HTTP_REFUSAL_BYTES */
    struct http_field fields[HTTP_REFUSAL_FIELDS + 1]; /* borrowed */
};

/* All but `listen` and `handler` may be 0 for the default behind the colon. */
struct http_server_options {
    const char *listen; /* "127.0.0.1:8081", "[::]:8081", "0.0.0.0:0" */
    bool reuse_port;    /* SO_REUSEPORT: several processes, one port */

    /* 431 beyond it: LIMIT_HTTP_HEAD_BYTES, which is also the most.  Every
     * connection that was used holds about twice as much memory. */
    size_t max_head_bytes;
    size_t max_body_bytes;   /* 413 beyond it, while reading; 0: no body */
    size_t max_bodies_bytes; /* of all requests, 503 beyond it: 64 bodies */

    unsigned head_timeout_s; /* from connect, or from its request line: 10 */
    unsigned body_timeout_s; /* from the end of the head: 30 */
    unsigned idle_timeout_s; /* without a byte either way: 30 */

    unsigned max_connections; /* more wait in the kernel's queue: 10000 */
    unsigned max_taken;       /* sockets that http_take() gives away: 0 */
    unsigned max_per_address; /* connections of one peer address: any number */
    /* Is this peer a proxy, who may have any number?  NULL: none is. */
    bool (*is_proxy)(const struct sockaddr *peer, void *arg);

    /* Sees each head before its body is there and before its size is judged,
     * and may answer: then the body is thrown away, the handler not called, and
     * the connection closed.
     * No streams.  NULL: nobody looks. */
    http_handler *head;
    http_handler *handler;
    http_event_fn *event; /* NULL: nobody listens */
    /* Fills in an empty refusal; `r` has those headers that came, and may be
     * half-read.  NULL: {"error":"…"}. */
    void (*refusal)(struct http_refusal *out, struct http_request *r,
                    unsigned status, const char *why, void *arg);
    void *arg; /* of all four */
};

/* life cycle */
/* NULL with a reason ("address already in use …") in `error`.  Raises the limit
 * of open files to what `max_connections` needs; where that is not allowed it
 * warns and takes fewer. */
struct http_server *http_server_new(struct loop *loop,
                                    const struct http_server_options *options,
                                    char *error, size_t error_size);
/* Takes no new connections; requests in hand go on, and every answer from now
 * on closes its connection. */
void http_server_quiesce(struct http_server *s);
/* Complete requests whose answer has not left yet; an open stream counts. */
size_t http_server_in_flight(const struct http_server *s);
/* Open ones, whatever they do. */
size_t http_server_connections(const struct http_server *s);
/* Drops whatever is in flight: contexts are destroyed and streams closed before
 * this returns.  Not from inside the handler.  Accepts NULL. */
void http_server_free(struct http_server *s);
/* How many sockets may be taken: `max_taken`, or what the limit of open files
 * has room for. */
unsigned http_server_max_taken(const struct http_server *s);
/* The port it got, where 0 was asked for. */
uint16_t http_server_port(const struct http_server *s);

/* query: all memory belongs to the request */
const char *http_method(const struct http_request *r);
/* Percent-decoded, without the query; begins with "/", or is "*". */
const char *http_path(const struct http_request *r);
/* Percent-decoded value of a query parameter, NULL when absent; the first one
 * when repeated. */
const char *http_query(const struct http_request *r, const char *name);
/* Number of times that the query parameter stands in the URL. */
unsigned http_query_count(const struct http_request *r, const char *name);
/* All of them, in order. */
const struct query *http_query_all(const struct http_request *r);
/* Case-insensitive; NULL when absent; the first one when repeated. */
const char *http_header(const struct http_request *r, const char *name);
unsigned http_header_count(const struct http_request *r, const char *name);
/* The first value, as above, and how often it is there, with one look. */
const char *http_query_and_count(const struct http_request *r, const char *name,
                                 unsigned *count);
const char *http_header_and_count(const struct http_request *r,
                                  const char *name, unsigned *count);
/* The values of a header's lines, in order: at most `max` of them.  Returns how
 * many lines there are. */
size_t http_header_lines(const struct http_request *r, const char *name,
                         const char **values, size_t max);
/* The raw bytes, NUL-terminated for convenience. */
const char *http_body(const struct http_request *r, size_t *len);
const struct sockaddr *http_peer(const struct http_request *r);
int64_t http_received_us(const struct http_request *r); /* clock_monotonic_us */

/* A pointer of the handler's own, with a destructor (may be NULL) that runs
 * when the request is over, however it ended. */
void http_set_context(struct http_request *r, void *context,
                      void (*destroy)(void *));
void *http_context(const struct http_request *r);

/* use */
/* Answers.  `type` may be NULL when there is no body.  Bytes are copied.
 * `fields` is NULL or ended by a NULL name.  HEAD gets the headers alone. */
void http_respond(struct http_request *r, unsigned status, const char *type,
                  const char *ptr, size_t len, const struct http_field *fields);
/* As http_respond(), with {"error":"…"} made from the text. */
PRINTF_LIKE(3, 4)
void http_respond_error(struct http_request *r, unsigned status,
                        const char *fmt, ...);
/* Answers with `len` bytes of an open file from `offset` on; takes `fd`. */
void http_respond_file(struct http_request *r, unsigned status,
                       const char *type, int fd, size_t offset, size_t len,
                       const struct http_field *fields);

/* The handler says so before it returns, when http_take() may come later. */
void http_will_take(struct http_request *r);
/* Takes the socket away from the server, for what is more than an answer: an
 * upgrade (RFC 9110, 7.8), or a stream that costs a library's connection too
 * much.  Nothing of an answer has been sent; the descriptor is the caller's,
 * does not block and closes on exec.  The request is over, its context is
 * destroyed from the loop.  What the client sent behind the head, without
 * waiting for the answer, may be lost.  -1 with errno when there is no
 * descriptor left, and then the request still wants an answer.  Not from
 * `head`. */
MUST_USE int http_take(struct http_request *r);

#endif
