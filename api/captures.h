/* captures.h - looking one capture up. */
#ifndef API_CAPTURES_H
#define API_CAPTURES_H

#include "api/exchange.h"

/* GET /v1/captures/{id} */
void captures_get(struct exchange *x);
/* GET /v1/captures/{id}/history */
void captures_history(struct exchange *x);

/* False with 503 given when the database cannot be asked right now. */
MUST_USE bool captures_db_ready(struct exchange *x);
/* 404: there is no capture x->name. */
void captures_unknown(struct exchange *x);

#endif
