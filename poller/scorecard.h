/* scorecard.h - keeps the sums behind the view provider_scorecard.
 *
 * Which day is summed up, and how often, is scorecard_step()'s business (sql/);
 * any number of pollers may ask it.
 */
#ifndef SCORECARD_H
#define SCORECARD_H

#include "common/db.h"
#include "common/metrics.h"

struct scorecard;

/* All borrowed; `db` is not one that anybody waits for. */
struct scorecard *scorecard_new(struct loop *loop, struct db *db,
                                struct metrics *metrics);
/* When `db` is gone.  Accepts NULL. */
void scorecard_free(struct scorecard *s);

#endif
