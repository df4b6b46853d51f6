/* body.h - the JSON body of a request. */
#ifndef API_BODY_H
#define API_BODY_H

#include "api/exchange.h"

/* False with 415 answered when the request does not call its body JSON. */
MUST_USE bool body_is_json(struct exchange *x);

#endif
