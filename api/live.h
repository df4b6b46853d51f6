/* live.h - changes as they happen: from the live streams to the hub.
 *
 * One XREAD on a connection of its own to each Redis tells which captures
 * changed; one query per batch reads those that somebody follows.  The next
 * batch is read once that query is answered: a slow database slows this down
 * and nothing else.  At its start a process reads what the streams still hold,
 * so that it can replay what clients of another process missed.
 *
 * Where entries may have been lost (Redis was wiped, or ran ahead of us by more
 * than it keeps) all is looked up, and followers are told to.
 */
#ifndef API_LIVE_H
#define API_LIVE_H

#include "api/hub.h"
#include "common/db.h"
#include "common/loop.h"
#include "common/metrics.h"

struct live;

/* NULL with `error` when a URL is wrong.  `db` is borrowed. */
struct live *live_new(struct loop *loop, const char *redis_urls, struct db *db,
                      struct metrics *metrics, char *error, size_t error_size);
/* Free the database connection first: it may still owe us an answer.  Nobody
 * may follow any more. */
void live_free(struct live *l); /* accepts NULL */

struct hub *live_hub(struct live *l);

/* Whether every Redis that is there was read once.  Until then who follows is
 * told to look everything up again. */
bool live_is_read(const struct live *l);

#endif
