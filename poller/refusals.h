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

/* Starts it for every server that is up; what is left comes next time. */
void refusals_collect(struct shards *shards, struct db *db);

#endif
