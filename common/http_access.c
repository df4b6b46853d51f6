/* http_access.c - libmicrohttpd's calls about one request, from head to end.
 *
 * The head is judged first (http_guard.h), then the body is collected, then the
 * handler runs; without an answer from it the connection is suspended.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/http_guard.h"
#include "common/http_internal.h"
#include "common/limits.h"
#include "common/mem.h"

/* How much of a refused body is read on, so that the client gets to see the
 * refusal instead of a reset connection. */
enum { LINGER_BYTES = 8 * 1024 * 1024 };

/* Waiting requests that are not suspended: looking at each of them, whenever
 * libmicrohttpd runs, must stay cheap. */
enum { AWAKE_MAX = 256, AWAKE_MAX_S = 1 };

static const char too_large[] = "request body too large";

struct head {
    struct http_guard_field fields[LIMIT_HTTP_HEADERS + 1];
    size_t count;
};

static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind,
                                const char *name, size_t name_len,
                                const char *value, size_t value_len)
{
    struct head *head = cls;

    (void)kind;
    if (head->count == ARRAY_LEN(head->fields))
        return MHD_NO;
    head->fields[head->count++] = (struct http_guard_field){
        .name = name,
        .name_len = name_len,
        .value = value ? value : "",
        .value_len = value_len,
    };
    return MHD_YES;
}

/* Whatever is asked about headers from now on is answered from here. */
static void take_fields(struct http_request *r)
{
    struct head head;

    head.count = 0;
    MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, on_field,
                                &head);
    r->fields = mem_resize_array(NULL, head.count, sizeof *r->fields);
    memcpy(r->fields, head.fields, head.count * sizeof *r->fields);
    r->field_count = head.count;
}

static size_t head_size(const struct http_request *r)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        r->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return info ? info->header_size : 0;
}

static enum http_verdict judge(const struct http_request *r,
                               const char *version)
{
    struct http_guard_head layout;
    enum http_verdict v;

    if (http_guard_method(r->method) != HTTP_FINE)
        return HTTP_BAD_METHOD;
    if (r->bad_target)
        return HTTP_BAD_TARGET;
    if (r->field_count > http_max_headers(r->server))
        return HTTP_TOO_MANY_FIELDS;
    v = http_guard_check(version, r->fields, r->field_count);
    if (v != HTTP_FINE || !r->server->old_parser)
        return v;
    layout = (struct http_guard_head){
        .method = r->method,
        .target = r->target,
        .target_len = r->target_len,
        .version = version,
        .fields = r->fields,
        .count = r->field_count,
        .size = head_size(r),
    };
    return http_guard_lines(&layout);
}

/* The path of an absolute-form target (RFC 9112, 3.2.2) starts behind the
 * authority, which the guard has checked. */
static const char *path_of(const char *url)
{
    const char *authority;
    const char *path;

    if (url[0] == '/' || strcmp(url, "*") == 0)
        return url;
    authority = strstr(url, "://");
    path = authority ? strchr(authority + 3, '/') : NULL;
    return path ? path : "/";
}

size_t http_max_headers(const struct http_server *s)
{
    size_t count = s->options.max_head_bytes / HTTP_BYTES_PER_HEADER;

    return count < LIMIT_HTTP_HEADERS ? count : LIMIT_HTTP_HEADERS;
}

static enum MHD_Result refuse(struct http_request *r, enum http_event event,
                              unsigned status, const char *why)
{
    struct http_refusal refusal;

    http_server_tell(r->server, event, http_peer(r), why);
    http_connection_wait_for_us(r->place);
    r->last_of_connection = true;
    r->server->in_flight++;
    http_refusal_init(&refusal, r, status, why);
    http_respond(r, status, refusal.type, refusal.body.data, refusal.body.len,
                 refusal.fields);
    http_refusal_release(&refusal);
    return http_request_send(r);
}

/* Answers although the body is still coming: what libmicrohttpd would do then
 * resets the connection, and most clients would never see why. */
static void refuse_body(struct http_request *r, enum http_event event,
                        const char *status, const char *why)
{
    http_server_tell(r->server, event, http_peer(r), why);
    http_request_drop_body(r);
    http_connection_refuse(r->place, status, why);
}

static enum MHD_Result send_judgement(struct http_request *r)
{
    http_connection_wait_for_us(r->place);
    r->server->in_flight++;
    return http_request_send(r);
}

/* The owner has answered on the head alone, which closes the connection.
 * Whoever waits for a word gets it now, the others when they have sent all. */
static enum MHD_Result judged(struct http_request *r)
{
    r->state = REQUEST_JUDGED;
    if (!http_header(r, "Expect"))
        return MHD_YES;
    return send_judgement(r);
}

/* No client may do that (RFC 9110, 10.1.1), and the old parser would hand over
 * the start of the next request as a piece of this one's body. */
static bool waits_for_nothing(const struct http_request *r, const char *version,
                              uint64_t length)
{
    return length == 0 && !http_header(r, "Transfer-Encoding") &&
           http_header(r, "Expect") && strcmp(version, "HTTP/1.0") != 0;
}

static enum MHD_Result on_head(struct http_request *r, const char *url,
                               const char *method, const char *version)
{
    const struct http_server_options *o = &r->server->options;
    enum http_verdict v;
    const char *header;
    uint64_t length;

    r->method = method;
    r->path = path_of(url);
    take_fields(r);
    if (head_size(r) > o->max_head_bytes)
        return refuse(r, HTTP_HEAD_TOO_LARGE, 431, "request head too large");
    if (r->bad_query)
        return refuse(r, HTTP_HEAD_TOO_LARGE, 414, "too many query parameters");
    v = judge(r, version);
    if (v != HTTP_FINE)
        return refuse(r, HTTP_HEAD_MALFORMED, http_verdict_status(v),
                      http_verdict_text(v));

    header = http_header(r, "Content-Length"); /* digits, the guard says */
    length = header ? strtoull(header, NULL, 10) : 0;
    if (waits_for_nothing(r, version, length))
        return refuse(r, HTTP_HEAD_MALFORMED, 400, "Expect without a body");
    /* libmicrohttpd takes a bare LF for a line end inside chunked bodies; no
     * second request may come from an end that others see elsewhere. */
    r->last_of_connection = http_header(r, "Transfer-Encoding") != NULL;
    r->state = REQUEST_BODY;
    http_connection_expect_body(r->place);
    if (o->head)
        o->head(r, o->arg);
    if (r->response)
        return judged(r);
    if (length <= o->max_body_bytes)
        return MHD_YES;
    if (http_header(r, "Expect"))
        return refuse(r, HTTP_BODY_TOO_LARGE, 413, too_large);
    refuse_body(r, HTTP_BODY_TOO_LARGE, "413 Content Too Large", too_large);
    return MHD_YES;
}

/* A connection that sleeps costs nothing, but sending it to sleep and waking it
 * are two calls of epoll_ctl() and a read that finds nothing: as much as all
 * the rest of libmicrohttpd.  So a short wait is spent awake: libmicrohttpd
 * asks again, with the others, whenever it runs. */
static enum MHD_Result wait_on(struct http_request *r)
{
    struct http_server *s = r->server;

    if (!r->taken_later && s->waiting <= AWAKE_MAX &&
        s->now_s <= r->waiting_since_s + AWAKE_MAX_S)
        return MHD_YES;
    s->waiting--;
    r->state = REQUEST_SLEEPING;
    MHD_suspend_connection(r->connection);
    return MHD_YES;
}

static enum MHD_Result on_body_end(struct http_request *r)
{
    struct http_server *s = r->server;

    r->state = REQUEST_HANDLING;
    http_connection_wait_for_us(r->place);
    s->in_flight++;
    s->options.handler(r, s->options.arg);
    if (r->state == REQUEST_ANSWERED)
        return http_request_send(r);
    if (r->state == REQUEST_TAKEN) {
        MHD_suspend_connection(r->connection);
        http_take_away(r);
        return MHD_YES;
    }
    r->state = REQUEST_WAITING;
    s->waiting++;
    r->waiting_since_s = s->now_s;
    return wait_on(r);
}

static enum MHD_Result on_body(struct http_request *r, const char *ptr,
                               size_t *len)
{
    struct http_server *s = r->server;

    if (*len == 0)
        return on_body_end(r);
    http_connection_got_body(r->place);
    if (s->bodies_bytes + *len > s->options.max_bodies_bytes &&
        r->body.len + *len <= s->options.max_body_bytes)
        refuse_body(r, HTTP_BODIES_TOO_MANY,
                    "503 Service Unavailable\r\nRetry-After: 2",
                    "too many requests at the same time");
    else if (buf_append(&r->body, ptr, *len) != 0)
        refuse_body(r, HTTP_BODY_TOO_LARGE, "413 Content Too Large", too_large);
    else
        s->bodies_bytes += *len;
    *len = 0;
    return MHD_YES;
}

/* Throws a piece of the body away; false when it was too much. */
static bool discard(struct http_request *r, size_t *len)
{
    r->discarded_bytes += *len;
    *len = 0;
    return r->discarded_bytes <= LINGER_BYTES;
}

static enum MHD_Result on_judged_body(struct http_request *r, size_t *len)
{
    if (*len == 0)
        return send_judgement(r);
    return discard(r, len) ? MHD_YES : MHD_NO;
}

static enum MHD_Result linger(struct http_request *r, size_t *len)
{
    /* MHD_NO closes the connection. */
    return *len > 0 && discard(r, len) ? MHD_YES : MHD_NO;
}

/* MHD_OPTION_URI_LOG_CALLBACK: the one place that sees the raw target. */
void *http_access_line(void *cls, const char *uri,
                       struct MHD_Connection *connection)
{
    /* It is a piece of libmicrohttpd's buffer, and not read-only at all. */
    struct http_request *r =
        http_request_new(cls, connection, (char *)(uintptr_t)uri);

    r->server->calls++;
    return r;
}

/* Called with the head, with each piece of the body, at its end, and again
 * after a resume. */
enum MHD_Result http_access(void *cls, struct MHD_Connection *connection,
                            const char *url, const char *method,
                            const char *version, const char *upload,
                            size_t *upload_len, void **context)
{
    struct http_request *r = *context;

    (void)cls;
    (void)connection;
    r->server->calls++;
    switch (r->state) {
    case REQUEST_HEAD:
        return on_head(r, url, method, version);
    case REQUEST_BODY:
        return on_body(r, upload, upload_len);
    case REQUEST_LINGERING:
        return linger(r, upload_len);
    case REQUEST_JUDGED:
        return on_judged_body(r, upload_len);
    case REQUEST_ANSWERED:
        return http_request_send(r);
    case REQUEST_TAKEN:
        return MHD_NO; /* closes what stands in for the socket */
    case REQUEST_WAITING:
        r->server->calls--; /* nothing came of it */
        return wait_on(r);
    case REQUEST_HANDLING:
    case REQUEST_SLEEPING:
    case REQUEST_ORPHANED:
    case REQUEST_SENDING:
        break;
    }
    assert(false); /* no calls for what sleeps or is answered */
    return MHD_NO;
}

void http_access_over(void *cls, struct MHD_Connection *connection,
                      void **context, enum MHD_RequestTerminationCode why)
{
    struct http_request *r = *context;

    (void)cls;
    (void)connection;
    if (!r)
        return;
    r->server->calls++;
    if (why == MHD_REQUEST_TERMINATED_WITH_ERROR && r->state == REQUEST_HEAD)
        http_server_tell(r->server, HTTP_HEAD_MALFORMED, http_peer(r),
                         "malformed request head");
    else if (why == MHD_REQUEST_TERMINATED_WITH_ERROR &&
             r->state == REQUEST_BODY)
        http_server_tell(r->server, HTTP_BODY_MALFORMED, http_peer(r),
                         "malformed chunks");
    if (r->state == REQUEST_WAITING &&
        why != MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN)
        http_request_orphan(r);
    else
        http_request_free(r);
    *context = NULL;
}
