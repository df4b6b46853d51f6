/* captures.h - looking one capture up. */
#ifndef API_CAPTURES_H
#define API_CAPTURES_H

#include "api/exchange.h"

/* GET /v1/captures/{id} */
void captures_get(struct exchange *x);
/* GET /v1/captures/{id}/history */
void captures_history(struct exchange *x);

#endif
