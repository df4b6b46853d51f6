/* lookup.h - what every handler does that asks the database. */
#ifndef API_LOOKUP_H
#define API_LOOKUP_H

#include "api/exchange.h"

/* False with 503 given when the database cannot be asked right now. */
MUST_USE bool lookup_ready(struct exchange *x);

/* False with an answer given: the statement failed, or found no row, which is
 * 404 for x->name. */
MUST_USE bool lookup_found(struct exchange *x, const struct db_result *result);

/* Answers with the document in the only column of the row that the statement
 * finds for x->name. */
void lookup_document(struct exchange *x, const struct db_statement *statement);
/* Likewise, for another value. */
void lookup_document_of(struct exchange *x,
                        const struct db_statement *statement,
                        const char *value);

/* 404: there is no such capture, batch … */
void lookup_unknown(struct exchange *x);

#endif
