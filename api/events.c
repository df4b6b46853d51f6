#include "api/events.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/hub.h"
#include "api/line.h"
#include "api/live.h"
#include "api/lookup.h"
#include "api/message.h"
#include "api/reply.h"
#include "common/mem.h"
#include "common/token.h"

/* One stream.  First it is a request that waits for the first state, and
 * belongs to the exchange; then it is a line. */
struct events {
    struct follower follower; /* first: see events_of() */
    struct hub *hub;
    struct exchange *exchange; /* NULL once it is a line */
    struct line *line;
    bool answered;  /* with no stream */
    bool heard_end; /* by what Last-Event-ID says */
};

static struct events *events_of(const struct follower *f)
{
    return (struct events *)(uintptr_t)f;
}

static void events_free(void *arg)
{
    struct events *e = arg;

    if (!e)
        return;
    hub_leave_all(e->hub, &e->follower);
    free(e);
}

/* --- the line */

static void on_drained(void *arg)
{
    struct events *e = arg;

    hub_drained(e->hub, &e->follower);
}

static int on_beat(void *arg)
{
    static const char comment[] = ": still here\n\n";
    struct events *e = arg;

    line_write(e->line, comment, sizeof comment - 1);
    return 0; /* TCP finds out who is gone */
}

static void on_dismiss(void *arg)
{
    struct events *e = arg;

    line_end(e->line, LINE_STOPPING);
}

static const struct line_owner owner = {
    .drained = on_drained,
    .beat = on_beat,
    .dismiss = on_dismiss,
    .closed = events_free,
};

static int put_head(struct buf *out, const struct exchange *x)
{
    static const struct http_field extra[] = {
        { "X-Accel-Buffering", "no" }, /* nginx would hold events back */
        { 0 },
    };
    struct reply_fields fields;
    int rc = buf_append_str(out, "HTTP/1.1 200 OK\r\n"
                                 "Content-Type: text/event-stream\r\n"
                                 "Connection: close\r\n");

    (void)x;
    for (const struct http_field *f = reply_fields(&fields, extra); f->name;
         f++)
        rc |= buf_printf(out, "%s: %s\r\n", f->name, f->value);
    return rc | buf_append_str(out, "\r\nretry: 2000\n\n");
}

/* The exchange is over with this, one way or another. */
static void begin(struct events *e)
{
    struct exchange *x = e->exchange;
    struct buf head;
    int fd = http_take(x->request);

    if (fd < 0) {
        e->answered = true;
        reply_unavailable(x, "too many streams of events are open; ask for "
                             "the state instead, or try again");
        return;
    }
#include "api/hub.h"
#include "api/line.h"
#include "api/live.h"
#include "api/lookup.h"
#include "api/message.h"
}

void events_of_one(struct exchange *x)
{
    struct topic_name name = { .kind = TOPIC_CAPTURE };

#include "api/hub.h"
#include "api/line.h"
#include "api/live.h"
#include "api/lookup.h"
#include "api/message.h"
}

void events_of_many(struct exchange *x)
{
    struct topic_name name = { .kind = TOPIC_ALL };
    const char *batch = http_query(x->request, "batch");

    if (batch && !uuid_is_valid(batch)) {
        reply_problem(x, PROBLEM_INVALID_REQUEST,
                      "`batch` must be the `batchId` of a receipt");
        return;
    }
    if (batch) {
        name.kind = TOPIC_BATCH;
        for (size_t i = 0; batch[i]; i++)
            name.id[i] = (char)tolower((unsigned char)batch[i]);
    }
    if (may_stream(x))
        follow(x, &name);
}
