#include "ingest/load.h"

#include <inttypes.h>
#include <stdio.h>

int64_t load_age_s(const struct load *l, int64_t now_ms)
{
    return l->oldest_ms == INT64_MAX ? 0 : (now_ms - l->oldest_ms) / 1000;
}

int64_t load_memory_percent(const struct load *l)
{
    return l->memory_limit_bytes > 0 ? (int64_t)((double)l->memory_bytes * 100 /
                                                 (double)l->memory_limit_bytes)
                                     : 0;
}

bool load_is_too_much(const struct load *l,
                      const struct ingest_settings *settings, int64_t now_ms,
                      enum unavailable *why, char reason[LOAD_REASON_SIZE])
{
    int64_t limit_bytes =
        l->memory_limit_bytes / 100 * settings->redis_memory_percent;
    int64_t age_s = load_age_s(l, now_ms);

    reason[0] = '\0';
    if (limit_bytes > 0 && l->memory_bytes >= limit_bytes) {
        *why = UNAVAILABLE_MEMORY;
        snprintf(reason, LOAD_REASON_SIZE,
                 "it uses %" PRId64 " of %" PRId64 " bytes", l->memory_bytes,
                 l->memory_limit_bytes);
    } else if (settings->stream_max_length > 0 &&
               l->length >= settings->stream_max_length) {
        *why = UNAVAILABLE_STREAM_LENGTH;
        snprintf(reason, LOAD_REASON_SIZE,
                 "%" PRId64 " webhooks wait for workers", l->length);
    } else if (settings->stream_max_age_s > 0 &&
               age_s >= settings->stream_max_age_s) {
        *why = UNAVAILABLE_STREAM_AGE;
        snprintf(reason, LOAD_REASON_SIZE,
                 "the oldest webhook has waited for %" PRId64
                 " s; do the workers run?",
                 age_s);
    }
    return *reason != '\0';
}
