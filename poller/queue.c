#include "poller/queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/streams.h"

static void on_added(const char *id, const char *error, void *arg)
{
    const char *stream = arg;

    if (!id)
        log_warning(LOG_WITH({ "stream", stream }),
                    "could not append an entry, it will be tried again: %s",
                    error);
}

void queue_add(struct shards *s, const char *stream,
               const struct stream_field *fields, size_t count)
{
    struct redis *r = shards_pick(s, NULL, NULL);

    if (!r)
        on_added(NULL, "no redis is up", (void *)(uintptr_t)stream);
    else
        stream_add(r, stream, fields, count, on_added,
                   (void *)(uintptr_t)stream);
}

void queue_submit(struct shards *s, const char *job, const char *attempt)
{
    queue_add(s, STREAM_SUBMIT,
              (struct stream_field[]){ STREAM_FIELD_TEXT("job", job),
                                       STREAM_FIELD_TEXT("attempt", attempt) },
              2);
}

static void add_webhook(struct shards *s, const char *provider, const char *job,
                        const char *attempt, struct stream_field last)
{
    char received_ms[24];

    snprintf(received_ms, sizeof received_ms, "%" PRId64, clock_wall_ms());
    queue_add(s, STREAM_WEBHOOK,
              (struct stream_field[]){
                  STREAM_FIELD_TEXT("v", "1"),
                  STREAM_FIELD_TEXT("provider", provider),
                  STREAM_FIELD_TEXT("source", "poll"),
                  STREAM_FIELD_TEXT("job", job),
                  STREAM_FIELD_TEXT("attempt", attempt),
                  STREAM_FIELD_TEXT("received_ms", received_ms), last },
              7);
}

void queue_answer(struct shards *s, const char *provider, const char *job,
                  const char *attempt, const char *body, size_t body_len)
{
    add_webhook(s, provider, job, attempt,
                (struct stream_field){ "body", body, body_len });
}

void queue_verdict(struct shards *s, const char *provider, const char *job,
                   const char *attempt, const char *verdict)
{
    add_webhook(s, provider, job, attempt,
                STREAM_FIELD_TEXT("verdict", verdict));
}
