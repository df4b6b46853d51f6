/* hub.h - tells followers what becomes of captures and batches.
 *
 * The present state comes first, then every change; always as the document that
 * GET gives, so that whoever misses a step loses nothing.  Documents are read
 * once for all followers, many in one query.  A follower hears one capture's
 * document when it differs from the last one, and no more after a final one; of
 * a batch, how far it is and the captures in it, until all have ended; of
 * everything, each change, without end.
 *
 * live.c brings the news.  Knows topics and the database, but no sockets.
 */
#ifndef API_HUB_H
#define API_HUB_H

#include "api/position.h"
#include "api/topics.h"
#include "common/db.h"
#include "common/loop.h"
#include "common/metrics.h"

struct hub;
struct history;

/* life cycle */
/* `histories`: one for each Redis, borrowed. */
struct hub *hub_new(struct loop *loop, struct db *db, struct metrics *metrics,
                    const struct history *histories, size_t count);
/* The database first (it owes us answers), and nobody may follow any more. */
void hub_free(struct hub *h); /* accepts NULL */

/* use, by followers */
/* `since` is the id of the last event that was heard, or NULL.  False when
 * there are too many subscriptions already. */
MUST_USE bool hub_follow(struct hub *h, struct follower *f,
                         const struct topic_name *name, const char *since);
/* False when it did not follow that. */
bool hub_leave(struct hub *h, struct follower *f,
               const struct topic_name *name);
void hub_leave_all(struct hub *h, struct follower *f);
/* All that was told has left. */
void hub_drained(struct hub *h, struct follower *f);

/* use, by live.c */
bool hub_wants(const struct hub *h, const char *job);
/* How far each stream has been told: to be moved before each hub_tell(). */
struct position *hub_position(struct hub *h);
/* Until all of them are known events have no id. */
void hub_position_known(struct hub *h, bool known);
/* Row of documents_statement: a change. */
void hub_tell(struct hub *h, const struct db_result *result, size_t row);
/* Changes may have been missed: looks all captures up, and tells those who
 * follow more than one to do the same. */
void hub_resync(struct hub *h);

/* The documents of captures, in the order of their ids. */
extern const struct db_statement documents_statement; /* $1: an array of ids */
enum { DOCUMENT_ID, DOCUMENT_STATUS, DOCUMENT_MARK, DOCUMENT_BATCH, DOCUMENT };
/* The row of a capture, or the number of rows. */
size_t documents_find(const struct db_result *result, const char *job);
/* For the array: so many ids fit. */
enum { DOCUMENTS_MAX = 500, DOCUMENTS_ARRAY_BYTES = DOCUMENTS_MAX * 40 + 16 };

#endif
