/* live.h - changes as they happen: from the live stream to the subscribers.
 *
 * One XREAD on a connection of its own to each Redis tells which captures changed; one
 * query per batch reads them, so that subscribers get the document that GET
 * gives.  The next batch is read once that query is answered: a slow database
 * slows this down and nothing else.  An entry that was lost (a worker died just
 * before writing it) is made up for at the next heart-beat.
 */
#ifndef API_LIVE_H
#define API_LIVE_H

#include "api/subscribers.h"
#include "common/db.h"
#include "common/loop.h"

struct live;

enum { LIVE_BEAT_MS = 15 * 1000 };

/* NULL with `error` when the URL is wrong.  `db` and `subscribers` are
 * borrowed.
 */
struct live *live_new(struct loop *loop, const char *redis_urls, struct db *db,
                      struct subscribers *subscribers, struct metrics *metrics,
                      char *error, size_t error_size);
/* Free the database connection first: it may still owe us an answer. */
void live_free(struct live *l); /* accepts NULL */

/* Id of the last entry read; "" while there is none. */
const char *live_position(const struct live *l);

#endif
