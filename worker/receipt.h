/* receipt.h - what follows the transaction that recorded a batch: counted,
 * logged, told to the browsers, acknowledged.
 */
#ifndef RECEIPT_H
#define RECEIPT_H

#include "common/db.h"
#include "common/metrics.h"
#include "worker/entry.h"

/* `result` answers record_entries() for these entries; their consumers have
 * freed them when this returns.  `entries` is left in disorder. */
void receipt_give(struct metrics *metrics, const struct db_result *result,
                  struct entry **entries, size_t count);

#endif
