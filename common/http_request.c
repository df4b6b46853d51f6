/* http_request.c - one request as the handlers see it, and its answer. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/http_guard.h"
#include "common/http_internal.h"
#include "common/json_escape.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"

/* Takes the query out of the target: libmicrohttpd would put its parameters
 * beside the headers, and chokes there on too many of them (0.9) or on a last
 * one without a value (1.0, a jump into nowhere). */
static void take_query(struct http_request *r, char *target)
{
    char *question = target ? strchr(target, '?') : NULL;

    if (!question)
        return;
    r->bad_query = query_parse(&r->query, question + 1) != 0;
    question[1] = '\0';
}

struct http_request *http_request_new(struct http_server *s,
                                      struct MHD_Connection *connection,
                                      char *target)
{
    struct http_request *r = mem_zalloc(sizeof *r);

    r->server = s;
    r->connection = connection;
    r->received_us = clock_monotonic_us();
    r->target = target ? target : "";
    r->target_len = strlen(r->target);
    r->bad_target = http_guard_target(r->target, r->target_len) != HTTP_FINE;
    take_query(r, target);
    buf_init(&r->body, s->options.max_body_bytes);
    r->next = s->requests;
    r->link = &s->requests;
    if (r->next)
        r->next->link = &r->next;
    s->requests = r;
    r->place = http_connection_of(connection);
    http_connection_begin(r->place, r);
    return r;
}

void http_request_drop_body(struct http_request *r)
{
    r->server->bodies_bytes -= r->body.len;
    buf_release(&r->body);
}

void http_request_free(struct http_request *r)
{
    if (r->state >= REQUEST_HANDLING)
        r->server->in_flight--;
    http_connection_end(r->place);
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    if (r->stream)
        http_stream_gone(r->stream);
    if (r->response)
        MHD_destroy_response(r->response);
    if (r->destroy)
        r->destroy(r->context);
    http_request_drop_body(r);
    query_release(&r->query);
    free(r);
}

const char *http_method(const struct http_request *r)
{
    return r->method;
}

const char *http_path(const struct http_request *r)
{
    return r->path;
}

const char *http_query(const struct http_request *r, const char *name)
{
    return query_find(&r->query, name, NULL);
}

unsigned http_query_count(const struct http_request *r, const char *name)
{
    unsigned count;

    query_find(&r->query, name, &count);
    return count;
}

const char *http_query_and_count(const struct http_request *r, const char *name,
                                 unsigned *count)
{
    return query_find(&r->query, name, count);
}

/* The first value of a header, and how often it stands there. */
struct search {
    const char *name;
    const char *first;
    unsigned count;
};

static enum MHD_Result on_value(void *cls, enum MHD_ValueKind kind,
                                const char *name, const char *value)
{
    struct search *s = cls;

    (void)kind;
    if (!name || strcasecmp(name, s->name) != 0)
        return MHD_YES;
    if (s->count++ == 0)
        s->first = value ? value : "";
    return MHD_YES;
}

const char *http_header_and_count(const struct http_request *r,
                                  const char *name, unsigned *count)
{
    struct search s = { .name = name };

    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, on_value, &s);
    *count = s.count;
    return s.first;
}

const char *http_header(const struct http_request *r, const char *name)
{
    unsigned count;

    return http_header_and_count(r, name, &count);
}

unsigned http_header_count(const struct http_request *r, const char *name)
{
    unsigned count;

    http_header_and_count(r, name, &count);
    return count;
}

struct collection {
    const char *name;
    const char **values;
    size_t max;
    size_t count;
};

static enum MHD_Result on_line(void *cls, enum MHD_ValueKind kind,
                               const char *name, const char *value)
{
    struct collection *c = cls;

    (void)kind;
    if (!name || strcasecmp(name, c->name) != 0)
        return MHD_YES;
    if (c->count < c->max)
        c->values[c->count] = value ? value : "";
    c->count++;
    return MHD_YES;
}

size_t http_header_lines(const struct http_request *r, const char *name,
                         const char **values, size_t max)
{
    struct collection c = { .name = name, .values = values, .max = max };

    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, on_line, &c);
    return c.count;
}

const char *http_body(const struct http_request *r, size_t *len)
{
    if (len)
        *len = r->body.len;
    return r->body.data ? r->body.data : "";
}

const struct sockaddr *http_peer(const struct http_request *r)
{
    return MHD_get_connection_info(r->connection,
                                   MHD_CONNECTION_INFO_CLIENT_ADDRESS)
        ->client_addr;
}

int64_t http_received_us(const struct http_request *r)
{
    return r->received_us;
}

void http_set_context(struct http_request *r, void *context,
                      void (*destroy)(void *))
{
    r->context = context;
    r->destroy = destroy;
}

void *http_context(const struct http_request *r)
{
    return r->context;
}

static void add_header(struct MHD_Response *response, const char *name,
                       const char *value)
{
    /* libmicrohttpd refuses line breaks: outside text cannot add headers. */
    if (MHD_add_response_header(response, name, value) != MHD_YES)
        log_warning(LOG_WITH({ "value", value }),
                    "could not send header \"%s\": invalid value", name);
}

void http_request_answer(struct http_request *r, unsigned status,
                         struct MHD_Response *response, const char *type,
                         const struct http_field *fields)
{
    bool asleep = r->state == REQUEST_WAITING;

    assert(response && !r->response && r->state < REQUEST_ANSWERED);
    if (type)
        add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    for (; fields && fields->name; fields++)
        add_header(response, fields->name, fields->value);
    if (r->last_of_connection || r->server->quiescing)
        add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    r->response = response;
    r->status = status;
    if (r->state < REQUEST_HANDLING)
        return; /* answered on its head: http_access.c sends it */
    r->state = REQUEST_ANSWERED;
    if (asleep)
        http_server_resume(r->server, r->connection);
}

enum MHD_Result http_request_send(struct http_request *r)
{
    struct MHD_Response *response = r->response;
    enum MHD_Result result;

    r->response = NULL;
    r->state = REQUEST_SENDING;
    result = MHD_queue_response(r->connection, r->status, response);
    MHD_destroy_response(response);
    return result;
}

void http_respond(struct http_request *r, unsigned status, const char *type,
                  const char *ptr, size_t len, const struct http_field *fields)
{
    http_request_answer(r, status,
                        MHD_create_response_from_buffer(len, mem_dup(ptr, len),
                                                        MHD_RESPMEM_MUST_FREE),
                        type, fields);
}

void http_respond_error(struct http_request *r, unsigned status,
                        const char *fmt, ...)
{
    char text[LIMIT_ERROR_BYTES];
    struct buf out;
    int failed = 0;
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_init(&out, 6 * sizeof text + 32);
    failed |= buf_append_str(&out, "{\"error\":\"");
    failed |= json_escape(&out, text, 6 * sizeof text);
    failed |= buf_append_str(&out, "\"}\n");
    assert(failed == 0);
    (void)failed;
    http_respond(r, status, "application/json", out.data, out.len, NULL);
    buf_release(&out);
}

void http_respond_file(struct http_request *r, unsigned status,
                       const char *type, int fd, size_t len,
                       const struct http_field *fields)
{
    http_request_answer(r, status, MHD_create_response_from_fd(len, fd), type,
                        fields);
}
