/* schema.h - bringing a database to this program's schema.
 *
 * Migrations are applied in order, each in a transaction of its own together
 * with its row in schema_migrations.  An advisory lock makes a second run wait
 * for the first and then find nothing to do. Blocks.
 */
#ifndef CLI_SCHEMA_H
#define CLI_SCHEMA_H

#include "cli/cli.h"
#include "cli/database.h"
#include "common/embedded.h"

/* Applies what is missing and prints it; *applied gets how many.  -1 with a
 * complaint: the database has a migration that we don't know (it is newer), one
 * that reads differently from ours, or PostgreSQL refused one. */
MUST_USE int schema_apply(struct database *d, const struct embedded *all,
                          size_t *applied);

/* Tells plain SQL what a job gets when nobody says otherwise. */
MUST_USE int schema_set_defaults(struct database *d, const char *provider,
                                 int64_t max_attempts, int64_t deadline_s);

#endif
