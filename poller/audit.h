/* audit.h - keeps the ledger (sql/0013_ledger.sql): every two seconds, of each
 * stream on each server, whether all that was accepted is accounted for.
 *
 * Any number of pollers may; of two checks that overtake each other the later
 * one counts.  A server that is down keeps what was found last.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include "poller/poller.h"

struct audit;

/* `p` is borrowed. */
struct audit *audit_new(struct poller *p);
void audit_stop(struct audit *a); /* accepts NULL */
/* When the poller's connections are gone. */
void audit_free(struct audit *a); /* accepts NULL */

#endif
