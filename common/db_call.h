/* db_call.h - one statement on its way through a db, and what became of it.
 *
 * Between db.c and db_call.c only.
 */
#ifndef DB_CALL_H
#define DB_CALL_H

#include <libpq-fe.h>

#include "common/db.h"

struct call {
    struct call *next;
    const struct db_statement *statement;
    char **values;
    size_t count;
    db_fn *fn;
    void *arg;
    bool sent;
    bool preparing; /* the next result answers the prepare */
    PGresult *result;
    int64_t sent_ms;
};

/* `values` are copied. */
struct call *call_new(const struct db_statement *statement,
                      const char *const *values, size_t count, db_fn *fn,
                      void *arg);

/* Run the callback and free the call: with c->result, or with DB_LOST. */
void call_answer(struct call *c);
void call_answer_lost(struct call *c);

#endif
