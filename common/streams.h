/* streams.h - the fleet's Redis streams: names, appending, what is oldest, how
 * many.
 *
 * An entry that Redis has appended is a promise; acknowledging and deleting it
 * is the worker's business (worker/consumer.h).
 */
#ifndef STREAMS_H
#define STREAMS_H

#include "common/base.h"
#include "common/redis.h"

#define STREAM_SUBMIT "shotfleet:submit"
#define STREAM_WEBHOOK "shotfleet:webhook"
#define STREAM_CALLBACK "shotfleet:callback"
#define STREAM_LIVE "shotfleet:live"
#define STREAM_REFUSALS "shotfleet:refusals"
#define STREAM_GROUP "workers"

/* Entries kept in the streams without a group: live (a browser that was away
 * longer asks anew) and refusals (the poller counts and deletes them). */
enum { STREAM_CAPPED_LENGTH = 10000 };

/* "1700000000000-18446744073709551615" and a NUL */
enum { STREAM_ID_SIZE = 42 };

struct stream_field {
    const char *name;
    const char *ptr;
    size_t len;
};

#define STREAM_FIELD_TEXT(name, text)                                          \
    ((struct stream_field){ (name), (text), strlen(text) })

/* `id` is NULL when it is not known to be appended; `error` says why. */
typedef void stream_added_fn(const char *id, const char *error, void *arg);

/* XADD with an id by Redis; the streams without a group are capped. Fields are
 * copied.  `fn` may be NULL. */
void stream_add(struct redis *r, const char *stream,
                const struct stream_field *fields, size_t count,
                stream_added_fn *fn, void *arg);

/* `oldest_ms` is the time in the id of the oldest entry that is still there
 * (acknowledged ones are deleted), INT64_MAX for an empty stream, -1 when Redis
 * did not answer. */
typedef void stream_oldest_fn(int64_t oldest_ms, void *arg);
void stream_oldest(struct redis *r, const char *stream, stream_oldest_fn *fn,
                   void *arg);

/* Entries that wait or are in workers' hands; -1 when Redis did not answer. */
typedef void stream_length_fn(int64_t length, void *arg);
void stream_length(struct redis *r, const char *stream, stream_length_fn *fn,
                   void *arg);

/* The milliseconds in an entry id; -1 when it is no id. */
int64_t stream_id_ms(const char *id);

#endif
