/* event_stream.h - reading server-sent events (WHATWG HTML, 9.2.6).
 *
 * Pure: bytes in, the data of each event out.  Names, ids and comments are
 * skipped: api's data says all.
 */
#ifndef CLI_EVENT_STREAM_H
#define CLI_EVENT_STREAM_H

#include "common/buf.h"

struct event_stream {
    struct buf line; /* not yet ended */
    struct buf data; /* of the event that is coming in */
    void (*on_data)(const char *ptr, size_t len, void *arg);
    void *arg;
};

void event_stream_init(struct event_stream *s,
                       void (*on_data)(const char *ptr, size_t len, void *arg),
                       void *arg);
void event_stream_release(struct event_stream *s);
/* -1 when a line or an event is longer than 2 MiB. */
MUST_USE int event_stream_feed(struct event_stream *s, const char *ptr,
                               size_t len);

#endif
