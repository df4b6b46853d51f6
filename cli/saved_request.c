#include "cli/saved_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/encoding.h"
#include "common/mem.h"

/* The line at *at, NUL-terminated in place and without its end; *at moves
 * behind it.  NULL when the text ends before the line does. */
static char *take_line(char **at, const char *end)
{
    char *line = *at;
    char *newline = memchr(line, '\n', (size_t)(end - line));

    if (!newline)
        return NULL;
    *at = newline + 1;
    *newline = '\0';
    if (newline > line && newline[-1] == '\r')
        newline[-1] = '\0';
    return line;
}

/* The text up to `mark`, which becomes a NUL; NULL when there is no mark. */
static char *take_until(char **at, char mark)
{
    char *start = *at;
    char *found = strchr(start, mark);

    if (!found)
        return NULL;
    *found = '\0';
    *at = found + 1;
    return start;
}

/* In place.  A broken %-encoding stays as it is. */
static void decode(char *text)
{
    char *out = text;

    for (; *text; text++) {
        uint8_t byte = 0;

        if (*text == '%' && text[1] && text[2] &&
            hex_decode(text + 1, 2, &byte, 1) && byte != 0) {
            *out++ = (char)byte;
            text += 2;
        } else {
            *out++ = *text;
        }
    }
    *out = '\0';
}

static void decode_query(char *text)
{
    for (char *plus = strchr(text, '+'); plus; plus = strchr(plus, '+'))
        *plus = ' ';
    decode(text);
}

static void add_parameter(struct saved_request *r, char *pair)
{
    char *value = pair;
    char *name = take_until(&value, '=');

    if (r->query_count == SAVED_FIELDS_MAX)
        return;
    if (!name) {
        name = pair;
        value = pair + strlen(pair);
    }
    decode_query(name);
    decode_query(value);
    r->query[r->query_count++] = (struct saved_field){ name, value };
}

/* "/webhooks/x?jobId=…", or with scheme and host before it */
static void read_target(struct saved_request *r, char *target)
{
    char *query = strchr(target, '?');
    char *authority = NULL;

    if (query)
        *query++ = '\0';
    authority = strstr(target, "://");
    if (*target != '/' && authority) {
        target = strchr(authority + 3, '/');
        target = target ? target : authority + strlen(authority);
    }
    r->path = target;
    decode(r->path);
    while (query && *query) {
        char *pair = query;
        size_t len = strcspn(pair, "&");

        query += len + (pair[len] == '&');
        pair[len] = '\0';
        if (len > 0)
            add_parameter(r, pair);
    }
}

static int read_request_line(struct saved_request *r, char *line)
{
    char *at = line;
    char *target = NULL;

    r->method = line ? take_until(&at, ' ') : NULL;
    target = r->method ? take_until(&at, ' ') : NULL;
    if (!target || strncmp(at, "HTTP/", 5) != 0)
        return -1;
    read_target(r, target);
    return 0;
}

static int read_header(struct saved_request *r, char *line)
{
    char *value = line;
    char *name = take_until(&value, ':');
    size_t len = 0;

    if (!name || !*name || r->header_count == SAVED_FIELDS_MAX)
        return -1;
    value += strspn(value, " \t");
    len = strlen(value);
    while (len > 0 && strchr(" \t", value[len - 1]))
        value[--len] = '\0';
    r->headers[r->header_count++] = (struct saved_field){ name, value };
    return 0;
}

/* bodies */

/* Puts the chunks together, in place; -1 when these are no chunks, which is
 * what tools leave that have put them together themselves. */
static long long join_chunks(char *body, size_t len)
{
    char *at = body;
    char *out = body;
    const char *end = body + len;

    for (;;) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        char *digits_end = NULL;
        unsigned long size = 0;

        if (!newline || !strchr("0123456789abcdefABCDEF", *at) || !*at)
            return -1;
        size = strtoul(at, &digits_end, 16);
        if (!strchr(";\r\n ", *digits_end) || digits_end > newline)
            return -1;
        at = newline + 1;
        if (size == 0)
            return out - body;
        if (size > (size_t)(end - at))
            return -1;
        memmove(out, at, size);
        out += size;
        at += size;
        at += at < end && *at == '\r';
        at += at < end && *at == '\n';
    }
}

static void read_body(struct saved_request *r, char *body, size_t len)
{
    unsigned count = 0;
    const char *length = saved_request_header(r, "Content-Length", &count);
    const char *coding = saved_request_header(r, "Transfer-Encoding", &count);
    long long joined = -1;
    unsigned long long wanted = 0;

    r->body = body;
    r->body_len = len;
    if (coding && strcasecmp(coding, "chunked") == 0) {
        /* the chunks may be gone already: join a copy */
        char *copy = mem_dup(body, len);

        joined = join_chunks(copy, len);
        if (joined >= 0) {
            memcpy(body, copy, (size_t)joined);
            r->body_len = (size_t)joined;
        }
        free(copy);
    } else if (length && *length &&
               length[strspn(length, "0123456789")] == '\0' &&
               strlen(length) < 16) {
        wanted = strtoull(length, NULL, 10);
        r->surplus = (long long)len - (long long)wanted;
        if (r->surplus > 0)
            r->body_len = (size_t)wanted;
    }
    body[r->body_len] = '\0'; /* there is room for it */
}

int saved_request_parse(struct saved_request *out, const char *ptr, size_t len,
                        char *error, size_t error_size)
{
    char *at = NULL;
    const char *end = NULL;
    char *line = NULL;

    *out = (struct saved_request){ .memory = mem_dup(ptr, len) };
    at = out->memory;
    end = at + len;
    if (read_request_line(out, take_line(&at, end)) != 0) {
        snprintf(error, error_size,
                 "the first line is not like \"POST /webhooks/NAME HTTP/1.1\"");
        return -1;
    }
    while ((line = take_line(&at, end)) && *line) {
        if (read_header(out, line) != 0) {
            snprintf(error, error_size,
                     "header %zu is not like \"Name: value\"",
                     out->header_count + 1);
            return -1;
        }
    }
    if (!line) {
        snprintf(error, error_size,
                 "no empty line ends the head: is it the whole request?");
        return -1;
    }
    read_body(out, at, (size_t)(end - at));
    return 0;
}

void saved_request_release(struct saved_request *r)
{
    free(r->memory);
    *r = (struct saved_request){ 0 };
}

/* looking up */

const char *saved_request_header(const void *arg, const char *name,
                                 unsigned *count)
{
    const struct saved_request *r = arg;
    const char *first = NULL;

    *count = 0;
    for (size_t i = 0; i < r->header_count; i++) {
        if (strcasecmp(r->headers[i].name, name) == 0 && (*count)++ == 0)
            first = r->headers[i].value;
    }
    return first;
}

const char *saved_request_query(const void *arg, const char *name,
                                unsigned *count)
{
    const struct saved_request *r = arg;
    const char *first = NULL;

    *count = 0;
    for (size_t i = 0; i < r->query_count; i++) {
        if (strcmp(r->query[i].name, name) == 0 && (*count)++ == 0)
            first = r->query[i].value;
    }
    return first;
}
