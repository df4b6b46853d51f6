/* check.h - submitted jobs that nothing was heard of: their providers are
 * asked.
 *
 * Leased a few at a time, as many as each provider may be asked about now
 * (check_due() in sql/, which knows the pace of the whole fleet), oldest first.
 * While there is more to ask it goes on by itself between the rounds.
 */
#ifndef CHECK_H
#define CHECK_H

#include "common/base.h"

struct poller;
struct check;

struct check *check_new(struct poller *p);
/* When no question and no call to PostgreSQL is under way any more.  Accepts
 * NULL. */
void check_free(struct check *c);

/* Every round: looks for silent jobs, unless it is about to anyway. */
void check_round(struct check *c);

#endif
