/* callbacks.h - delivers the callbacks that the poller has put on the stream.
 *
 * Loads the callback, posts it, records the outcome, then acknowledges the
 * entry.  Who dies in between leaves the entry to another worker, so a receiver
 * may hear of one callback twice, under the same webhook-id.  An entry that
 * speaks of another attempt than the present one is dropped.
 */
#ifndef CALLBACKS_H
#define CALLBACKS_H

#include "common/db.h"
#include "common/digest.h"
#include "common/http_client.h"
#include "common/metrics.h"
#include "worker/entry.h"

struct callbacks;

/* All borrowed.  Without keys callbacks wait until there are some. */
struct callbacks *callbacks_new(struct loop *loop, struct db *db,
                                struct http_client *http,
                                const struct secrets *keys,
                                struct metrics *metrics);
/* After the client, the database and the consumers.  Accepts NULL. */
void callbacks_free(struct callbacks *c);

/* A consumer_fn: takes an entry that was just read. */
void callbacks_take(struct entry *e, void *arg);

#endif
