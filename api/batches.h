/* batches.h - captures that were submitted together. */
#ifndef API_BATCHES_H
#define API_BATCHES_H

#include "api/exchange.h"

/* GET /v1/batches */
void batches_list(struct exchange *x);
/* GET /v1/batches/{id} */
void batches_get(struct exchange *x);

#endif
