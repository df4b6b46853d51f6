/* http_request.c - one request as the handlers see it, and its answer. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

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
    s->request_count++;
    r->place = http_connection_of(connection);
    http_connection_begin(r->place, r);
    return r;
}

void http_request_drop_body(struct http_request *r)
{
    r->server->bodies_bytes -= r->body.len;
    buf_release(&r->body);
}

static void unlink_request(struct http_request *r)
{
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
}

void http_request_free(struct http_request *r)
{
    if (r->state == REQUEST_WAITING)
        r->server->waiting--;
    if (r->state >= REQUEST_HANDLING)
        r->server->in_flight--;
    r->server->request_count--;
    if (r->place)
        http_connection_end(r->place);
    unlink_request(r);
    if (r->response)
        MHD_destroy_response(r->response);
    if (r->destroy)
        r->destroy(r->context);
    http_request_drop_body(r);
    query_release(&r->query);
    free(r->fields);
    free(r->orphan);
    free(r);
}

/* Copies a text to `*at`, which moves on. */
static const char *keep(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);

    *at += size;
    return copy;
}

void http_request_orphan(struct http_request *r)
{
    size_t size = strlen(r->method) + 1 + strlen(r->path) + 1;
    struct orphan *orphan;
    char *at;

    for (size_t i = 0; i < r->field_count; i++)
        size += strlen(r->fields[i].name) + 1 + strlen(r->fields[i].value) + 1;
    orphan = mem_alloc(sizeof *orphan + size);
    address_copy(http_peer(r), &orphan->peer);
    at = orphan->texts;
    r->method = keep(&at, r->method);
    r->path = keep(&at, r->path);
    for (size_t i = 0; i < r->field_count; i++) {
        r->fields[i].name = keep(&at, r->fields[i].name);
        r->fields[i].value = keep(&at, r->fields[i].value);
    }
    r->orphan = orphan;
    r->state = REQUEST_ORPHANED;
    r->server->waiting--;
    r->connection = NULL;
    http_connection_end(r->place);
    r->place = NULL;
}

/* The handler may still look at it: it is freed from the loop. */
static void bury(struct http_request *r)
{
    struct http_server *s = r->server;

    unlink_request(r);
    r->next = s->orphans;
    r->link = &s->orphans;
    if (r->next)
        r->next->link = &r->next;
    s->orphans = r;
    loop_timer_start(s->over_timer, 0);
}

void http_request_free_orphans(struct http_server *s)
{
    while (s->orphans)
        http_request_free(s->orphans);
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

const struct query *http_query_all(const struct http_request *r)
{
    return &r->query;
}

static bool is_named(const struct http_guard_field *f, const char *name,
                     size_t len)
{
    return f->name_len == len && strncasecmp(f->name, name, len) == 0;
}

const char *http_header_and_count(const struct http_request *r,
                                  const char *name, unsigned *count)
{
    const char *first = NULL;

    *count = (unsigned)http_header_lines(r, name, &first, 1);
    return first;
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

size_t http_header_lines(const struct http_request *r, const char *name,
                         const char **values, size_t max)
{
    size_t len = strlen(name);
    size_t count = 0;

    for (size_t i = 0; i < r->field_count; i++) {
        if (!is_named(&r->fields[i], name, len))
            continue;
        if (count < max)
            values[count] = r->fields[i].value;
        count++;
    }
    return count;
}

const char *http_body(const struct http_request *r, size_t *len)
{
    if (len)
        *len = r->body.len;
    return r->body.data ? r->body.data : "";
}

const struct sockaddr *http_peer(const struct http_request *r)
{
    if (r->orphan)
        return (const struct sockaddr *)&r->orphan->peer;
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
    enum request_state state = r->state;
    bool on_head = state < REQUEST_HANDLING; /* http_access.c sends it */

    assert(response && !r->response && r->state < REQUEST_ANSWERED);
    if (type)
        add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    for (; fields && fields->name; fields++)
        add_header(response, fields->name, fields->value);
    if (on_head || r->last_of_connection || r->server->quiescing)
        add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    r->response = response;
    r->status = status;
    if (on_head)
        return;
    r->state = REQUEST_ANSWERED;
    if (state == REQUEST_WAITING) {
        r->server->waiting--;
        http_server_run_soon(r->server);
    } else if (state == REQUEST_SLEEPING) {
        http_server_resume(r->server, r->connection);
    } else if (state == REQUEST_ORPHANED) {
        bury(r);
    }
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
                       const char *type, int fd, size_t offset, size_t len,
                       const struct http_field *fields)
{
    http_request_answer(
        r, status, MHD_create_response_from_fd_at_offset64(len, fd, offset),
        type, fields);
}
