/* Any bytes as what one client sends to the whole server, through libmicrohttpd
 * and over a socket pair.  The first two bytes say how: see `enum manner`.
 *
 * It must end without waiting for a clock, leave nothing behind, give each
 * request one answer, in their order, and hand over only requests that a strict
 * reader finds at the same places in the bytes, with the same bodies: nobody
 * may smuggle one past a proxy. */
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/http_internal.h"
#include "common/mem.h"
#include "tests/fuzz/fuzz.h"

/* The first byte; the second is how many bytes go at a time, 0: all. */
enum manner {
    ANSWER_LATE = 1,
    ANSWER_ON_HEAD = 4,
    CLIENT_LEAVES = 8, /* without reading what it is answered */
};

enum {
    MAX_HEAD = 1024,
    MAX_BODY = 300,
    MAX_SKIPPED = 256,
    MAX_ANSWERS = 1024 * 1024,
    LATE_STEPS = 5,
    REST_STEPS = 10,  /* in which nothing happened: some milliseconds */
    TICK_STEPS = 200, /* a second */
};

struct world {
    struct loop *loop;
    struct loop_timer *step;
    struct http_server *server;

    int fd; /* of the client; -1: it has left */
    unsigned manner;
    size_t piece;
    const char *data;
    size_t size;
    size_t sent;
    struct buf got;
    bool eof;

    size_t read; /* by the strict reader */
    size_t body; /* where the body of the request in hand starts */
    size_t length;
    size_t skipped; /* before the head of the request in hand */
    bool chunked;
    bool last; /* nothing may be handed over any more */

    struct http_request *held;
    unsigned late;
    unsigned requests; /* handed over */
    unsigned over;     /* of these, their contexts destroyed */
    unsigned open;     /* connections */
    unsigned idle_steps;
    uint64_t calls; /* and what was sent and got, to see whether it moves */
    size_t moved;
};

/* --- the strict reader (RFC 9112) */

/* Do these bytes end a line?  A colon that begins one is taken for its end. */
static bool is_blank(const char *ptr, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool colon = i > 0 && ptr[i - 1] == '\n' && ptr[i] == ':';

        if (!colon && ptr[i] != '\r' && ptr[i] != '\n' && ptr[i] != '\0')
            return false;
    }
    return ptr[len - 1] == '\n';
}

/* CRLF, and what the guard cannot tell from it: see http_guard_lines(). */
static bool is_line_end(const char *ptr, const char *end)
{
    return end - ptr >= 2 && is_blank(ptr, 2);
}

/* With an empty line behind it. */
static bool is_last_line_end(const char *ptr, const char *end)
{
    return end - ptr >= 4 && is_blank(ptr, 4);
}

static const char *line_end(const char *ptr, const char *end)
{
    while (ptr < end && !is_line_end(ptr, end) && !is_last_line_end(ptr, end))
        ptr++;
    assert(ptr < end);
    return ptr;
}

static bool is_named(const char *line, const char *colon, const char *name)
{
    return (size_t)(colon - line) == strlen(name) &&
           strncasecmp(line, name, strlen(name)) == 0;
}

static void read_field(struct world *w, const char *line, const char *end)
{
    const char *colon = memchr(line, ':', (size_t)(end - line));

    assert(colon && colon > line);
    for (const char *p = line; p < colon; p++)
        assert(*p > ' ' && *p < 0x7f);
    for (const char *p = colon + 1; p < end; p++)
        assert((unsigned char)*p >= ' ' || *p == '\t');
    if (is_named(line, colon, "content-length")) {
        assert(w->length == SIZE_MAX && !w->chunked);
        w->length = strtoul(colon + 1, NULL, 10); /* ends at the line's end */
    } else if (is_named(line, colon, "transfer-encoding")) {
        assert(w->length == SIZE_MAX && !w->chunked);
        w->chunked = true;
    }
}

/* Empty lines before a request (RFC 9112, 2.2).  The old parser takes whatever
 * begins with NUL for one; nobody can use that, because no proxy lets such a
 * line pass. */
static const char *skip_empty_lines(const char *at, const char *end)
{
    for (;;) {
        if (at < end && *at == '\n') {
            at++;
        } else if (end - at >= 2 && memcmp(at, "\r\n", 2) == 0) {
            at += 2;
        } else if (at < end && *at == '\0') {
            at = memchr(at, '\n', (size_t)(end - at));
            assert(at);
        } else {
            return at;
        }
    }
}

/* The head that comes next in the bytes must be the one of `r`. */
static void read_head(struct world *w, const struct http_request *r)
{
    const char *end = w->data + w->sent;
    const char *at = skip_empty_lines(w->data + w->read, end);
    const char *line;
    size_t method_len = strlen(http_method(r));

    assert(!w->last);
    w->skipped = (size_t)(at - w->data) - w->read;
    line = line_end(at, end);
    assert((size_t)(line - at) > method_len && at[method_len] == ' ');
    assert(memcmp(at, http_method(r), method_len) == 0);
    w->length = SIZE_MAX;
    w->chunked = false;
    while (!is_last_line_end(line, end)) {
        at = line + 2;
        line = line_end(at, end);
        read_field(w, at, line);
    }
    w->body = (size_t)(line + 4 - w->data);
    assert(w->body <= w->sent);
    w->read = w->body + (w->length == SIZE_MAX ? 0 : w->length);
    w->last = w->chunked;
}

static size_t hex_number(const char **at)
{
    char *end = NULL;
    size_t n = strtoul(*at, &end, 16);

    assert(end > *at && **at != '-' && **at != '+' && **at != ' ');
    *at = end;
    return n;
}

static void read_chunks(const struct world *w, const char *body, size_t len)
{
    const char *at = w->data + w->body;
    const char *end = w->data + w->sent;
    size_t n;

    while ((n = hex_number(&at)) > 0) {
        at = memchr(at, '\n', (size_t)(end - at)); /* behind an extension */
        assert(at && (size_t)(end - at) > n && n <= len);
        assert(memcmp(at + 1, body, n) == 0);
        at += 1 + n;
        body += n;
        len -= n;
        at += *at == '\r';
        assert(at < end && *at == '\n');
        at++;
    }
    assert(len == 0);
}

static void read_body(const struct world *w, const struct http_request *r)
{
    size_t len = 0;
    const char *body = http_body(r, &len);

    if (w->chunked) {
        read_chunks(w, body, len);
        return;
    }
    assert(len == (w->length == SIZE_MAX ? 0 : w->length));
    assert(w->body + len <= w->sent);
    assert(memcmp(body, w->data + w->body, len) == 0);
}

/* --- the server's side */

static void on_over(void *arg)
{
    struct world *w = arg;

    w->over++;
}

static struct http_field *numbered(struct world *w,
                                   const struct http_request *r,
                                   struct http_field fields[3], char number[16])
{
    snprintf(number, 16, "%u", w->requests);
    fields[0] = (struct http_field){ "X-Number", number };
    fields[1] = (struct http_field){
        strcmp(http_method(r), "HEAD") == 0 ? "X-Head" : NULL, "yes"
    };
    fields[2] = (struct http_field){ 0 };
    return fields;
}

static void answer(struct world *w, struct http_request *r)
{
    struct http_field fields[3];
    char number[16];

    w->requests++;
    http_set_context(r, w, on_over);
    http_respond(r, 200, "text/plain", "answer", 6,
                 numbered(w, r, fields, number));
}

static void on_head(struct http_request *r, void *arg)
{
    struct world *w = arg;

    read_head(w, r);
    if (w->manner & ANSWER_ON_HEAD)
        answer(w, r);
}

static void on_request(struct http_request *r, void *arg)
{
    struct world *w = arg;

    read_body(w, r);
    assert(!w->held);
    w->late = LATE_STEPS;
    if (w->manner & ANSWER_LATE)
        w->held = r;
    else
        answer(w, r);
}

static void on_event(enum http_event event, const struct sockaddr *peer,
                     const char *why, void *arg)
{
    struct world *w = arg;

    (void)peer;
    (void)why;
    if (event == HTTP_CONNECTION_OPENED)
        w->open++;
    else if (event == HTTP_CONNECTION_CLOSED)
        w->open--;
    else
        w->last = true; /* a refusal ends the connection */
}

/* --- the client's side */

static void leave(struct world *w)
{
    close(w->fd);
    w->fd = -1;
    w->eof = true;
}

static void send_some(struct world *w)
{
    size_t len = w->size - w->sent;

    if (w->piece > 0 && len > w->piece)
        len = w->piece;
    if (len > 0) {
        ssize_t n =
            send(w->fd, w->data + w->sent, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0)
            w->sent += (size_t)n;
        if (w->sent < w->size)
            return;
    }
    if (w->manner & CLIENT_LEAVES)
        leave(w);
    else
        shutdown(w->fd, SHUT_WR);
}

static void receive(struct world *w)
{
    char piece[16384];
    ssize_t n;

    while ((n = recv(w->fd, piece, sizeof piece, MSG_DONTWAIT)) > 0) {
        int full = buf_append(&w->got, piece, (size_t)n);

        assert(full == 0);
    }
    if (n == 0)
        w->eof = true;
}

static void answer_late(struct world *w)
{
    struct http_request *r = w->held;

    if (!r || w->late-- > 0)
        return;
    w->held = NULL;
    answer(w, r);
}

/* Time passes only when nothing else does.  If that does not help either,
 * libFuzzer's time-out shows that it hangs. */
static void pass_time(struct world *w)
{
    size_t moved = w->sent + w->got.len;

    w->idle_steps++;
    if (w->calls != w->server->calls || w->moved != moved)
        w->idle_steps = 0;
    w->calls = w->server->calls;
    w->moved = moved;
    if (w->idle_steps % REST_STEPS == 0 && w->open > 0)
        loop_timer_start(w->server->timer, 0);
    if (w->idle_steps < TICK_STEPS)
        return;
    w->idle_steps = 0;
    http_connection_tick(w->server);
}

static void on_step(void *arg)
{
    struct world *w = arg;

    if (w->fd >= 0 && !w->eof)
        receive(w);
    if (w->fd >= 0 && !w->eof)
        send_some(w);
    answer_late(w);
    /* a request that is held outlives its connection */
    if (w->open == 0 && w->eof && !w->held && w->over == w->requests) {
        loop_stop(w->loop);
        return;
    }
    pass_time(w);
    loop_timer_start(w->step, 0);
}

/* --- the answers */

static const char *field_of(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);

    return at ? at + strlen(name) : NULL;
}

static size_t body_size(const char *head, const char *body)
{
    const char *length = field_of(head, "\r\nContent-Length: ");

    if (length)
        return strtoul(length, NULL, 10);
    return strlen(body); /* ended by the connection's end */
}

/* One answer; where the next one starts, or NULL when it was the last. */
static char *read_answer(char *at, unsigned *number)
{
    char *body = strstr(at, "\r\n\r\n");
    const char *field;
    bool last;

    assert(strncmp(at, "HTTP/1.1 ", 9) == 0 && body);
    body[2] = '\0';
    body += 4;
    if (strncmp(at + 9, "100", 3) == 0)
        return body;
    field = field_of(at, "\r\nX-Number: ");
    if (field) {
        assert(strtoul(field, NULL, 10) == *number + 1);
        ++*number;
    }
    last = field_of(at, "\r\nConnection: close\r\n") != NULL;
    if (last && !field)
        return NULL; /* a refusal; the old parser sends some heads twice */
    if (!field_of(at, "\r\nX-Head: "))
        body += body_size(at, body);
    assert(!last || *body == '\0');
    return last ? NULL : body;
}

static void read_answers(struct world *w)
{
    char *at = w->got.data;
    unsigned number = 0;

    assert(strlen(at ? at : "") == w->got.len);
    while (at && *at)
        at = read_answer(at, &number);
    /* The last one may lack its answer: because it was given on the head and
     * the body came to no end, or because so many empty lines went before that
     * the connection's memory is full. */
    if (number + 1 == w->requests &&
        (w->manner & ANSWER_ON_HEAD || w->skipped > MAX_SKIPPED))
        number++;
    assert(number == w->requests);
}

/* --- */

static struct world *world(void)
{
    static struct world w; /* the server is made once */
    struct http_server_options options = { .listen = "127.0.0.1:0",
                                           .max_head_bytes = MAX_HEAD,
                                           .max_body_bytes = MAX_BODY,
                                           .head_timeout_s = 2,
                                           .body_timeout_s = 2,
                                           .idle_timeout_s = 2,
                                           .max_connections = 10,
                                           .head = on_head,
                                           .handler = on_request,
                                           .event = on_event,
                                           .arg = &w };
    char error[256];

    if (!w.loop) {
        w.loop = loop_new();
        w.step = loop_timer_new(w.loop, on_step, &w);
        w.server = http_server_new(w.loop, &options, error, sizeof error);
        assert(w.server);
    }
    return &w;
}

static void connect_pair(struct world *w)
{
    struct sockaddr_in peer = { .sin_family = AF_INET,
                                .sin_port = htons(4711),
                                .sin_addr.s_addr = htonl(0xc0000201) };
    int ends[2];
    int failed = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
    enum MHD_Result added;

    assert(failed == 0);
    w->fd = ends[0];
    added = MHD_add_connection(w->server->daemon, ends[1],
                               (struct sockaddr *)&peer, sizeof peer);
    assert(added == MHD_YES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *w = world();
    char *copy;

    if (size < 2)
        return -1;
    copy = mem_dup((const char *)data + 2, size - 2);
    *w = (struct world){ .loop = w->loop,
                         .step = w->step,
                         .server = w->server,
                         .manner = data[0],
                         .piece = data[1],
                         .data = copy,
                         .size = size - 2 };
    buf_init(&w->got, MAX_ANSWERS);
    connect_pair(w);
    loop_timer_start(w->step, 0);
    loop_run(w->loop);
    if (w->fd >= 0)
        close(w->fd);

    assert(!w->held && w->over == w->requests);
    assert(http_server_in_flight(w->server) == 0);
    assert(http_server_connections(w->server) == 0);
    assert(!w->server->requests && w->server->bodies_bytes == 0);
    if (!(w->manner & CLIENT_LEAVES))
        read_answers(w);
    buf_release(&w->got);
    free(copy);
    return 0;
}
