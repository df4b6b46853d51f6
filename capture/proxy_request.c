#include "capture/proxy_request.h"

#include <string.h>
#include <strings.h>

struct text {
    const char *ptr;
    size_t len;
};

static bool text_is(struct text t, const char *word)
{
    return t.len == strlen(word) && strncasecmp(t.ptr, word, t.len) == 0;
}

static bool text_starts_with(struct text t, const char *word)
{
    return t.len >= strlen(word) && strncasecmp(t.ptr, word, strlen(word)) == 0;
}

/* Cuts the next line off; false at the empty line that ends the head. */
static bool next_line(const char **cursor, const char *end, struct text *line)
{
    const char *eol = memmem(*cursor, (size_t)(end - *cursor), "\r\n", 2);

    if (!eol || eol == *cursor)
        return false;
    *line = (struct text){ *cursor, (size_t)(eol - *cursor) };
    *cursor = eol + 2;
    return true;
}

/* No blanks, no control characters; what else there may be is the origin
 * server's business. */
static bool is_visible(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        if ((unsigned char)t.ptr[i] <= ' ' || t.ptr[i] == 0x7f)
            return false;
    }
    return t.len > 0;
}

/* "METHOD target HTTP/1.x" */
static int split_request_line(struct text line, struct text *method,
                              struct text *target)
{
    const char *end = line.ptr + line.len;
    const char *first = memchr(line.ptr, ' ', line.len);
    const char *last = memrchr(line.ptr, ' ', line.len);
    struct text version;

    if (!first || last == first)
        return -1;
    *method = (struct text){ line.ptr, (size_t)(first - line.ptr) };
    *target = (struct text){ first + 1, (size_t)(last - first - 1) };
    version = (struct text){ last + 1, (size_t)(end - last - 1) };
    if (!is_visible(*method) || !is_visible(*target) ||
        !(text_is(version, "HTTP/1.1") || text_is(version, "HTTP/1.0")))
        return -1;
    return 0;
}

static int append_text(struct buf *b, struct text t)
{
    return buf_append(b, t.ptr, t.len);
}

/* "http://host:port/path" becomes "METHOD /path HTTP/1.1" and the Host field,
 * which must name the URL's host, whatever the client's own said (RFC 9112,
 * section 3.2.2). */
static int rewrite_target(struct proxy_request *out, struct text method,
                          struct text target)
{
    const struct text scheme = { target.ptr, strlen("http://") };
    const char *end = target.ptr + target.len;
    const char *authority = target.ptr + scheme.len;
    const char *path = authority;
    const char *at = NULL;

    if (!text_starts_with(target, "http://"))
        return -1;
    while (path < end && !strchr("/?#", *path))
        path++;
    at = memrchr(authority, '@', (size_t)(path - authority));
    if (at)
        authority = at + 1;
    if (authority_split(authority, (size_t)(path - authority), 80, out->host,
                        &out->port) != 0)
        return -1;
    if (append_text(&out->head, method) != 0 ||
        buf_append_str(&out->head, path < end && *path == '/' ? " " : " /") ||
        buf_append(&out->head, path, (size_t)(end - path)) != 0 ||
        buf_append_str(&out->head, " HTTP/1.1\r\nHost: ") != 0 ||
        buf_append(&out->head, authority, (size_t)(path - authority)) != 0 ||
        buf_append_str(&out->head, "\r\n") != 0)
        return -1;
    return 0;
}

static int parse_length(struct text value, int64_t *out)
{
    int64_t length = 0;

    if (value.len == 0 || value.len > 15 || *out > 0)
        return -1;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return -1;
        length = length * 10 + (value.ptr[i] - '0');
    }
    *out = length;
    return 0;
}

/* Fields that are about the connection to us are not passed on. */
static bool is_ours(struct text name)
{
    return text_is(name, "host") || text_is(name, "connection") ||
           text_is(name, "keep-alive") || text_is(name, "te") ||
           text_is(name, "trailer") || text_is(name, "upgrade") ||
           text_starts_with(name, "proxy-");
}

static int copy_field(struct proxy_request *out, struct text line,
                      const char **why)
{
    const char *colon = memchr(line.ptr, ':', line.len);
    struct text name;
    struct text value;

    *why = "malformed header";
    if (!colon || colon == line.ptr || memchr(line.ptr, '\n', line.len) ||
        memchr(line.ptr, '\r', line.len) || memchr(line.ptr, 0, line.len) ||
        *line.ptr == ' ' || *line.ptr == '\t' || colon[-1] == ' ')
        return -1;
    name = (struct text){ line.ptr, (size_t)(colon - line.ptr) };
    value = (struct text){ colon + 1, line.len - name.len - 1 };
    while (value.len > 0 && *value.ptr == ' ') {
        value.ptr++;
        value.len--;
    }
    if (text_is(name, "transfer-encoding")) {
        *why = "transfer codings are not supported";
        return -1;
    }
    if (text_is(name, "content-length") &&
        parse_length(value, &out->body_bytes) != 0)
        return -1;
    if (is_ours(name))
        return 0;
    if (append_text(&out->head, line) != 0 ||
        buf_append_str(&out->head, "\r\n") != 0)
        return -1;
    return 0;
}

int proxy_request_parse(struct proxy_request *out, const char *ptr, size_t len,
                        const char **why)
{
    const char *cursor = ptr;
    const char *end = ptr + len;
    struct text line;
    struct text method;
    struct text target;

    *out = (struct proxy_request){ .tunnel = false };
    buf_init(&out->head, PROXY_HEAD_BYTES + HOST_SIZE);
    *why = "malformed request line";
    if (!next_line(&cursor, end, &line) ||
        split_request_line(line, &method, &target) != 0)
        return -1;
    out->tunnel = method.len == 7 && memcmp(method.ptr, "CONNECT", 7) == 0;
    *why = "the target must be an http:// URL or, for CONNECT, HOST:PORT";
    if (out->tunnel)
        return authority_split(target.ptr, target.len, 0, out->host,
                               &out->port);
    if (rewrite_target(out, method, target) != 0)
        return -1;
    while (next_line(&cursor, end, &line)) {
        if (copy_field(out, line, why) != 0)
            return -1;
    }
    *why = "the head is too long";
    return buf_append_str(&out->head, "Connection: close\r\n\r\n");
}

void proxy_request_release(struct proxy_request *r)
{
    buf_release(&r->head);
}
