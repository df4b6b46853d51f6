#include "cli/event_stream.h"

#include <string.h>

enum { EVENT_MAX_BYTES = 2 * 1024 * 1024 };

void event_stream_init(struct event_stream *s,
                       void (*on_data)(const char *ptr, size_t len, void *arg),
                       void *arg)
{
    *s = (struct event_stream){ .on_data = on_data, .arg = arg };
    buf_init(&s->line, EVENT_MAX_BYTES);
    buf_init(&s->data, EVENT_MAX_BYTES);
}

void event_stream_release(struct event_stream *s)
{
    buf_release(&s->line);
    buf_release(&s->data);
}

/* An empty line ends an event. */
static int take_line(struct event_stream *s, const char *line, size_t len)
{
    static const char name[] = "data:";
    size_t skip = sizeof name - 1;
    int rc = 0;

    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (len == 0) {
        if (s->data.len > 0)
            s->on_data(s->data.data, s->data.len, s->arg);
        buf_clear(&s->data);
    } else if (len >= skip && memcmp(line, name, skip) == 0) {
        if (len > skip && line[skip] == ' ')
            skip++;
        if (s->data.len > 0)
            rc = buf_append(&s->data, "\n", 1);
        rc |= buf_append(&s->data, line + skip, len - skip);
    }
    return rc;
}

int event_stream_feed(struct event_stream *s, const char *ptr, size_t len)
{
    int rc = 0;

    while (len > 0 && rc == 0) {
        const char *end = memchr(ptr, '\n', len);
        size_t n = end ? (size_t)(end - ptr) : len;

        rc = buf_append(&s->line, ptr, n);
        if (rc == 0 && end) {
            rc = take_line(s, s->line.data, s->line.len);
            buf_clear(&s->line);
        }
        n += end ? 1 : 0;
        ptr += n;
        len -= n;
    }
    return rc;
}
