/* refusals.h - what ingest has refused, counted: from its stream into the table
 * `refusals`.
 *
 * An entry is counted once (record_refusals() in sql/ knows how far it has
 * come) and then deleted.
 */
#ifndef REFUSALS_H
#define REFUSALS_H

#include "common/db.h"
#include "common/shards.h"

struct refusals;

/* Looks at every server that is up each five seconds.  All borrowed. */
struct refusals *refusals_new(struct loop *loop, struct db *db,
                              struct shards *shards);
/* When `db` and `shards` are gone.  Accepts NULL. */
void refusals_free(struct refusals *f);

#endif
