#include "api/subscribers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/counters.h"
#include "common/db.h"
#include "common/digest.h"
#include "common/limits.h"
#include "common/mem.h"

enum {
    BUCKETS = 1024,
    JOB_SIZE = 37,
    /* A document holds options, metadata, URL and an error, JSON escaped. */
    EVENT_MAX_BYTES = 4 * LIMIT_OPTIONS_BYTES,
};

struct subscriber {
    struct subscriber *next;
    struct subscriber **link; /* what points at us */
    struct subscribers *all;
    struct http_stream *stream; /* NULL until it has begun */
    bool dismissed;
    char job[JOB_SIZE];          /* "" for all */
    char heard[SHA256_HEX_SIZE]; /* of the last document; "" for none */
};

struct subscribers {
    struct metrics *metrics;
    size_t count;
    struct subscriber *feed; /* of all captures */
    struct subscriber *buckets[BUCKETS];
};

static size_t bucket_of(const char *job)
{
    uint32_t hash = 2166136261; /* FNV-1a */

    for (; *job; job++)
        hash = (hash ^ (unsigned char)*job) * 16777619;
    return hash % BUCKETS;
}

struct subscribers *subscribers_new(struct metrics *metrics)
{
    struct subscribers *all = mem_zalloc(sizeof *all);

    all->metrics = metrics;
    return all;
}

void subscribers_free(struct subscribers *all)
{
    assert(!all || all->count == 0);
    free(all);
}

struct subscriber *subscriber_new(struct subscribers *all, const char *job)
{
    struct subscriber *s;

    if (all->count >= API_SUBSCRIBERS_MAX)
        return NULL;
    s = mem_zalloc(sizeof *s);
    s->all = all;
    s->link = &all->feed;
    if (job) {
        assert(strlen(job) < JOB_SIZE);
        memcpy(s->job, job, strlen(job) + 1);
        s->link = &all->buckets[bucket_of(job)];
    }
    s->next = *s->link;
    if (s->next)
        s->next->link = &s->next;
    *s->link = s;
    all->count++;
    metric_set(all->metrics, COUNTER_SUBSCRIBERS, (int64_t)all->count);
    return s;
}

void subscriber_free(void *subscriber)
{
    struct subscriber *s = subscriber;

    if (!s)
        return;
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    s->all->count--;
    metric_set(s->all->metrics, COUNTER_SUBSCRIBERS, (int64_t)s->all->count);
    free(s);
}

/* The stream is over, from either side. */
static void on_closed(void *arg)
{
    subscriber_free(arg);
}

static void dismiss(struct subscriber *s)
{
    if (s->dismissed || !s->stream)
        return;
    s->dismissed = true;
    http_stream_end(s->stream);
}

static void write_text(struct subscriber *s, const char *ptr, size_t len)
{
    if (s->dismissed || !s->stream)
        return;
    if (http_stream_write(s->stream, ptr, len) != 0)
        dismiss(s); /* too slow; it will come back and get the present state */
}

void subscriber_begin(struct subscriber *s, struct http_request *r,
                      const struct http_field *fields)
{
    static const char hello[] = "retry: 2000\n\n";

    s->stream =
        http_stream_begin(r, 200, "text/event-stream", fields, on_closed, s);
    write_text(s, hello, sizeof hello - 1);
}

static bool is_final(const char *status)
{
    return strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0 ||
           strcmp(status, "cancelled") == 0;
}

/* News as they go out, made once for everybody. */
struct message {
    const struct news *news;
    char sum[SHA256_HEX_SIZE]; /* of the document */
    struct buf text;           /* empty when it did not fit */
};

static void message_init(struct message *e, const struct news *news)
{
    int rc;

    e->news = news;
    sha256_hex(news->document, strlen(news->document), e->sum);
    buf_init(&e->text, EVENT_MAX_BYTES);
    rc = buf_printf(&e->text, "event: %s\n", news->status);
    if (*news->position)
        rc |= buf_printf(&e->text, "id: %s\n", news->position);
    rc |= buf_append_str(&e->text, "data: ");
    rc |= buf_append_str(&e->text, news->document);
    rc |= buf_append_str(&e->text, "\n\n");
    if (rc != 0)
        buf_clear(&e->text);
}

static void hear(struct subscriber *s, const struct message *e)
{
    if (!s->stream || strcmp(e->sum, s->heard) == 0)
        return;
    memcpy(s->heard, e->sum, sizeof s->heard);
    write_text(s, e->text.data, e->text.len);
    if (s->job[0] && is_final(e->news->status))
        dismiss(s);
}

void subscriber_tell(struct subscriber *s, const struct news *news)
{
    struct message e;

    message_init(&e, news);
    hear(s, &e);
    buf_release(&e.text);
}

void subscribers_tell(struct subscribers *all, const struct news *news)
{
    struct message e;

    message_init(&e, news);
    for (struct subscriber *s = all->buckets[bucket_of(news->job)]; s;
         s = s->next) {
        if (strcmp(s->job, news->job) == 0)
            hear(s, &e);
    }
    for (struct subscriber *s = all->feed; s; s = s->next)
        hear(s, &e);
    buf_release(&e.text);
}

static void each(struct subscribers *all, void (*fn)(struct subscriber *s))
{
    for (struct subscriber *s = all->feed; s; s = s->next)
        fn(s);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct subscriber *s = all->buckets[i]; s; s = s->next)
            fn(s);
    }
}

static void beat(struct subscriber *s)
{
    static const char comment[] = ": still here\n\n";

    write_text(s, comment, sizeof comment - 1);
}

void subscribers_beat(struct subscribers *all)
{
    each(all, beat);
}

void subscribers_dismiss(struct subscribers *all)
{
    each(all, dismiss);
}

bool subscribers_want(const struct subscribers *all, const char *job)
{
    const struct subscriber *s = all->buckets[bucket_of(job)];

    while (s && strcmp(s->job, job) != 0)
        s = s->next;
    return s || all->feed;
}

size_t subscribers_jobs(const struct subscribers *all, struct buf *out)
{
    size_t n = 0;

    db_array_begin(out);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct subscriber *s = all->buckets[i]; s; s = s->next) {
            db_array_add(out, s->job); /* twice is no harm */
            n++;
        }
    }
    db_array_end(out);
    return n;
}
