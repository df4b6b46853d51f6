#include "api/queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/counters.h"
#include "common/log.h"
#include "common/streams.h"

static void on_queued(const char *id, const char *error, void *arg)
{
    struct metrics *m = arg;

    if (id)
        return;
    metric_add(m, COUNTER_NOT_APPENDED, 1);
    log_warning(NULL,
                "could not append a capture to \"%s\": %s; the poller will",
                STREAM_SUBMIT, error);
}

void queue_capture(struct api *a, const char *job, int64_t attempt)
{
    struct redis *redis = shards_pick(a->shards, NULL, NULL);
    char number[24];
    struct stream_field fields[2];

    snprintf(number, sizeof number, "%" PRId64, attempt);
    fields[0] = STREAM_FIELD_TEXT("job", job);
    fields[1] = STREAM_FIELD_TEXT("attempt", number);
    if (redis)
        stream_add(redis, STREAM_SUBMIT, fields, ARRAY_LEN(fields), on_queued,
                   a->metrics);
    else
        on_queued(NULL, "no redis is up", a->metrics);
}

void queue_news(struct api *a, const char *job, const char *status,
                int64_t attempt)
{
    struct redis *redis = shards_pick(a->shards, NULL, NULL);
    char data[256];

    if (!redis)
        return;
    snprintf(data, sizeof data,
             "{\"jobId\":\"%s\",\"status\":\"%s\",\"attempt\":%" PRId64
             ",\"progress\":null}",
             job, status, attempt);
    stream_add(redis, STREAM_LIVE,
               (struct stream_field[]){ STREAM_FIELD_TEXT("job", job),
                                        STREAM_FIELD_TEXT("event", status),
                                        STREAM_FIELD_TEXT("data", data) },
               3, NULL, NULL);
}
