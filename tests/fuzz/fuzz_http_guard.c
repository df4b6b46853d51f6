/* Any bytes as a request's head, read as libmicrohttpd 0.9.75 reads it.  What
 * the guard then calls fine must be a head by the letter of RFC 9112, 2.1 and
 * 5, judged on the raw bytes by other code. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/http_guard.h"
#include "common/limits.h"
#include "common/mem.h"
#include "tests/fuzz/fuzz.h"

struct reader {
    char *next;
    char *end;
    char *folded; /* a copy of a folded line's name, elsewhere */
    struct http_guard_field fields[LIMIT_HTTP_HEADERS + 1];
    struct http_guard_head head;
};

/* A line without its end, which becomes NULs; NULL when there is none. */
static char *next_line(struct reader *r, size_t *len)
{
    char *line = r->next;
    char *lf = memchr(line, '\n', (size_t)(r->end - line));

    if (!lf)
        return NULL;
    r->next = lf + 1;
    *lf = '\0';
    if (lf > line && lf[-1] == '\r')
        *--lf = '\0';
    *len = (size_t)(lf - line);
    return line;
}

static bool read_request_line(struct reader *r)
{
    size_t len = 0;
    char *line = next_line(r, &len);
    char *target = line ? memchr(line, ' ', len) : NULL;
    char *version;

    if (!target)
        return false;
    *target++ = '\0';
    version = memrchr(target, ' ', (size_t)(line + len - target));
    if (!version)
        return false;
    *version++ = '\0';
    if (line + len - version != 8 || memcmp(version, "HTTP/1.", 7) != 0 ||
        version[7] < '0' || version[7] > '9')
        return false;
    r->head.method = line;
    r->head.target = target;
    r->head.target_len = strlen(target);
    r->head.version = version;
    return true;
}

static bool read_field(struct reader *r, char *line)
{
    char *colon = strchr(line, ':');
    struct http_guard_field *f = &r->fields[r->head.count];

    if (line[0] == ' ' || line[0] == '\t') {
        if (r->head.count == 0 || r->folded)
            return false;
        f--; /* the old parser moves the name of the line before */
        r->folded = mem_dup(f->name, f->name_len);
        f->name = r->folded;
        return true;
    }
    if (!colon || r->head.count == ARRAY_LEN(r->fields))
        return false;
    *colon++ = '\0';
    while (*colon == ' ' || *colon == '\t')
        colon++;
    *f = (struct http_guard_field){ line, strlen(line), colon, strlen(colon) };
    r->head.count++;
    return true;
}

static bool read_head(struct reader *r)
{
    size_t len = 0;
    char *line;

    if (!read_request_line(r))
        return false;
    r->head.fields = r->fields;
    while ((line = next_line(r, &len))) {
        if (line[0] == '\0') {
            r->head.size = (size_t)(r->next - r->head.method);
            return true;
        }
        if (!read_field(r, line))
            return false;
    }
    return false;
}

static bool is_line_end(const char *ptr, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (ptr[i] != '\r' && ptr[i] != '\n' && ptr[i] != '\0')
            return false;
    return ptr[len - 1] == '\n';
}

/* Is it lines with two bytes of line end each and one more at the end, none
 * folded, all but the first with a name, and without a control character?  (See
 * http_guard_lines() for line ends that are not quite CRLF.) */
static bool is_clean(const char *raw, size_t len)
{
    size_t start = 0;

    if (len < 4 || !is_line_end(raw + len - 4, 4))
        return false;
    for (size_t i = 0; i <= len - 4; i++) {
        unsigned char c = (unsigned char)raw[i];

        if (i == len - 4 || is_line_end(raw + i, 2)) {
            if (start > 0 &&
                (raw[start] == ' ' || raw[start] == '\t' || raw[start] == ':' ||
                 !memchr(raw + start, ':', i - start)))
                return false;
            start = i + 2;
            i++;
        } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = mem_dup((const char *)data, size);
    struct reader *r = mem_zalloc(sizeof *r);
    const struct http_guard_head *head = &r->head;

    r->next = copy;
    r->end = copy + size;
    if (read_head(r) && http_guard_method(head->method) == HTTP_FINE &&
        http_guard_target(head->target, head->target_len) == HTTP_FINE &&
        http_guard_check(head->version, head->fields, head->count) ==
            HTTP_FINE &&
        http_guard_lines(head) == HTTP_FINE)
        assert(is_clean((const char *)data, head->size));
    free(r->folded);
    free(r);
    free(copy);
    return 0;
}
