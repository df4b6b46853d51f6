/* db.h - one PostgreSQL connection inside the loop, in pipeline mode.
 *
 * Each call is one prepared statement in its own implicit transaction; what
 * must happen together is one SQL function.  Calls are answered in order.  A
 * lost connection answers everything outstanding with DB_LOST and comes back by
 * itself with jittered back-off; calls made meanwhile wait for it (they are
 * bounded by the callers, who each have few outstanding).
 *
 * A statement has DB_STATEMENT_MS (DB_TRANSIENT when it takes longer): who has
 * more to do does it in parts.  It is also how a server that fell silent is
 * told from one that is at work, so it decides how long that goes unnoticed.
 */
#ifndef DB_H
#define DB_H

#include "common/base.h"
#include "common/buf.h"
#include "common/loop.h"

enum { DB_STATEMENT_MS = 10 * 1000 };

struct db;
struct db_result;

/* Prepared on first use of each connection; both texts must be static. */
struct db_statement {
    const char *name;
    const char *sql;
};

enum db_status {
    DB_OK,
    DB_LOST,      /* connection gone; it is unknown whether it happened */
    DB_TRANSIENT, /* rolled back, may work next time: deadlock, disk full … */
    DB_REFUSED,   /* rolled back, will never work: data, syntax, constraint */
};

/* `result` is valid during the callback only. */
typedef void db_fn(const struct db_result *result, void *arg);

struct db *db_new(struct loop *loop, const char *database_url,
                  const char *application_name);
/* A statement gets so long instead of DB_STATEMENT_MS, and a server that is
 * gone is noticed as much later: for work that nobody waits for.  Right after
 * db_new(). */
void db_be_patient(struct db *d, int statement_ms);
/* Outstanding callbacks run with DB_LOST. */
void db_free(struct db *d); /* accepts NULL */
bool db_is_up(const struct db *d);
size_t db_outstanding(const struct db *d);

/* `values` are text (NULL: SQL null), copied. */
void db_call(struct db *d, const struct db_statement *statement,
             const char *const *values, size_t count, db_fn *fn, void *arg);

/* Calls `fn` for every NOTIFY on `channel` (a static, plain identifier), and
 * once after every reconnect, because notifications may have been missed. */
void db_listen(struct db *d, const char *channel, loop_fn *fn, void *arg);

enum db_status db_result_status(const struct db_result *r);
const char *db_result_error(const struct db_result *r);    /* "" for DB_OK */
const char *db_result_sqlstate(const struct db_result *r); /* "" if none */
size_t db_rows(const struct db_result *r);
/* Text form, NULL for SQL null; valid as long as the result. */
const char *db_value(const struct db_result *r, size_t row, size_t column);
int64_t db_number(const struct db_result *r, size_t row, size_t column);

/* Text form of an array parameter, built element by element:
 * begin, add..., end. */
void db_array_begin(struct buf *b);
void db_array_add(struct buf *b, const char *value); /* NULL: null */
void db_array_add_bytes(struct buf *b, const char *ptr, size_t len); /* bytea */
void db_array_end(struct buf *b);

#endif
