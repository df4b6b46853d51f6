/* database.h - PostgreSQL for commands: blocking, complaining on standard
 * error.
 *
 * The only file of the command that knows libpq.
 */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include "common/base.h"

struct database;
struct rows;

/* Waits up to `patience_ms` for PostgreSQL to come up, saying so.  NULL with a
 * complaint; *code then is the exit code. */
struct database *database_open(const char *database_url, int64_t patience_ms,
                               int *code);
void database_close(struct database *d); /* accepts NULL */

/* Any number of statements; -1 with a complaint: could not `what`: … */
MUST_USE int database_execute(struct database *d, const char *sql,
                              const char *what);
/* One statement with text parameters (NULL: SQL null); NULL with a complaint.
 */
MUST_USE struct rows *database_query(struct database *d, const char *sql,
                                     const char *const *values, size_t count,
                                     const char *what);

size_t rows_count(const struct rows *r);
/* Text form, NULL for SQL null; valid as long as the rows. */
const char *rows_value(const struct rows *r, size_t row, size_t column);
void rows_free(struct rows *r); /* accepts NULL */

#endif
