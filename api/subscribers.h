/* subscribers.h - who wants to hear of which capture (server-sent events).
 *
 * Knows streams and captures' ids, but not where news come from.  A subscriber
 * hears a capture's document when it differs from the last one it heard, and is
 * dismissed after a final one; a subscriber of all captures hears everything.
 */
#ifndef API_SUBSCRIBERS_H
#define API_SUBSCRIBERS_H

#include "common/base.h"
#include "common/buf.h"
#include "common/http_server.h"
#include "common/metrics.h"

struct subscribers;
struct subscriber;

struct news {
    const char *job;      /* canonical UUID, lower case */
    const char *status;   /* the event's name */
    const char *document; /* JSON on one line */
    const char *position; /* in the live stream; becomes the event's id */
};

/* life cycle */
struct subscribers *subscribers_new(struct metrics *metrics);
/* All streams must be over. */
void subscribers_free(struct subscribers *all); /* accepts NULL */

/* `job` NULL: all of them.  NULL when there are API_SUBSCRIBERS_MAX already. */
struct subscriber *subscriber_new(struct subscribers *all, const char *job);
/* Only before subscriber_begin(); `subscriber` may be NULL. */
void subscriber_free(void *subscriber);

/* Answers the request with a stream, which owns the subscriber from now on. */
void subscriber_begin(struct subscriber *s, struct http_request *r,
                      const struct http_field *fields);

/* use */
void subscriber_tell(struct subscriber *s, const struct news *news);
void subscribers_tell(struct subscribers *all, const struct news *news);
/* A comment to everybody, so that dead connections show. */
void subscribers_beat(struct subscribers *all);
/* Ends every stream. */
void subscribers_dismiss(struct subscribers *all);

/* query */
bool subscribers_want(const struct subscribers *all, const char *job);
/* A PostgreSQL array of the captures that somebody waits for; returns how many,
 * at most API_SUBSCRIBERS_MAX. */
size_t subscribers_jobs(const struct subscribers *all, struct buf *out);

#endif
