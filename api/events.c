#include "api/events.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/hub.h"
#include "api/line.h"
#include "api/live.h"
#include "api/lookup.h"
#include "api/message.h"
#include "api/pass.h"
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
    struct pass pass;
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
    pass_release(&e->pass);
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

    for (const struct http_field *f = reply_fields(x, &fields, extra); f->name;
         f++)
        rc |= buf_printf(out, "%s: %s\r\n", f->name, f->value);
    return rc | buf_append_str(out, "\r\nretry: 2000\n\n");
}

/* The exchange is over with this, one way or another. */
static void begin(struct events *e)
{
    struct exchange *x = e->exchange;
    struct buf head;
    int rc;
    int fd = http_take(x->request);

    if (fd < 0) {
        e->answered = true;
        reply_unavailable(x, "too many streams of events are open; ask for "
                             "the state instead, or try again");
        return;
    }
    reply_count(x, 200);
    x->work = NULL;
    e->exchange = NULL;
    buf_init(&head, LINE_WAITING_BYTES);
    rc = put_head(&head, x);
    assert(rc == 0); /* a few lines of ours, and an origin of the settings */
    (void)rc;
    e->line = line_new(x->api->lines, fd, &head, &owner, e);
    buf_release(&head);
}

/* --- the hub */

static void on_tell(struct follower *f, const struct topic_name *topic,
                    struct message *m, bool last)
{
    struct events *e = events_of(f);
    const struct buf *text =
        message_form(m, last ? MESSAGE_SSE_END : MESSAGE_SSE);

    (void)topic;
    if (!e->line && !e->answered && last && e->heard_end) {
        e->answered = true;
        reply(e->exchange, 204, NULL, "", 0, NULL);
    }
    if (!e->line && !e->answered)
        begin(e);
    if (e->line)
        line_write(e->line, text->data, text->len);
}

static void on_over(struct follower *f, const struct topic_name *topic,
                    enum topic_over why, const struct db_result *result)
{
    struct events *e = events_of(f);

    if (e->line) {
        line_end(e->line, LINE_FINISHED);
        return;
    }
    if (e->answered)
        return;
    e->answered = true;
    if (why == TOPIC_UNKNOWN && topic->kind == TOPIC_CAPTURE)
        lookup_unknown(e->exchange);
    else if (why == TOPIC_UNKNOWN)
        reply_problem(e->exchange, PROBLEM_NOT_FOUND,
                      "there is no batch \"%s\"", topic->id);
    else
        reply_db_failure(e->exchange, result);
}

static size_t on_waiting(const struct follower *f)
{
    const struct events *e = events_of(f);

    return e->line ? line_waiting(e->line) : 0;
}

static const struct follower_ops ops = {
    .tell = on_tell,
    .over = on_over,
    .waiting = on_waiting,
};

/* An EventSource comes back, and stops at the 401 that it gets then. */
static void on_pass_ended(void *arg, const char *why)
{
    struct events *e = arg;
    char *last_words =
        mem_format("event: unauthorized\n"
                   "data: {\"code\":\"UNAUTHORIZED\",\"detail\":\"%s\"}\n\n",
                   why);

    hub_leave_all(e->hub, &e->follower);
    if (e->line) {
        line_write(e->line, last_words, strlen(last_words));
        line_end(e->line, LINE_REFUSED);
    } else if (!e->answered) {
        e->answered = true;
        reply_problem(e->exchange, PROBLEM_UNAUTHORIZED, "%s", why);
    }
    free(last_words);
}

static const struct pass_owner pass_owner = { .ended = on_pass_ended };

/* --- requests */

static bool may_stream(struct exchange *x)
{
    const struct api *a = x->api;

    if (strcmp(http_method(x->request), "HEAD") == 0)
        reply(x, 200, "text/event-stream", NULL, 0, NULL);
    else if (a->stop_by_ms > 0)
        reply_unavailable(x, "this server is about to stop; try again");
    else if (lines_full(a->lines))
        reply_unavailable(x, "too many streams of events are open; ask for "
                             "the state instead, or try again");
    else
        return lookup_ready(x);
    return false;
}

/* The position in Last-Event-ID, in `text`; NULL when there is none. */
static const char *last_id(const struct exchange *x,
                           char text[POSITION_TEXT_SIZE], bool *heard_end)
{
    const char *given = http_header(x->request, "Last-Event-ID");
    size_t mark = strlen(MESSAGE_END_MARK);
    size_t len = given ? strlen(given) : 0;

    *heard_end =
        len >= mark && strcmp(given + len - mark, MESSAGE_END_MARK) == 0;
    if (*heard_end)
        len -= mark;
    if (!given || len >= POSITION_TEXT_SIZE)
        return NULL;
    memcpy(text, given, len);
    text[len] = '\0';
    return text;
}

static void follow(struct exchange *x, const struct topic_name *name)
{
    struct events *e = mem_zalloc(sizeof *e);
    char text[POSITION_TEXT_SIZE];
    const char *since = last_id(x, text, &e->heard_end);

    e->follower.ops = &ops;
    e->hub = live_hub(x->api->live);
    e->exchange = x;
    pass_init(&e->pass, x, &pass_owner, e);
    x->work = e;
    x->work_free = events_free;
    http_will_take(x->request);
    if (name->kind == TOPIC_ALL)
        begin(e); /* there is no state to wait for */
    if (name->kind == TOPIC_ALL && !e->line)
        return;
    if (hub_follow(e->hub, &e->follower, name, since))
        return;
    if (e->line)
        line_cut(e->line, LINE_STOPPING);
    else
        reply_unavailable(x, "too many captures are being followed; ask for "
                             "the state instead, or try again");
}

void events_of_one(struct exchange *x)
{
    struct topic_name name = { .kind = TOPIC_CAPTURE };

    memcpy(name.id, x->name, sizeof name.id); /* a UUID, the router says */
    if (may_stream(x))
        follow(x, &name);
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
