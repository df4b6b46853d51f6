/* dead_letters.h - what could not be applied, and what to do about it. */
#ifndef API_DEAD_LETTERS_H
#define API_DEAD_LETTERS_H

#include "api/exchange.h"

/* GET /v1/dead-letters: open ones, newest first */
void dead_letters_list(struct exchange *x);
/* GET /v1/dead-letters/{id}: with the payload */
void dead_letters_get(struct exchange *x);
/* POST /v1/dead-letters/{id}/retry */
void dead_letters_retry(struct exchange *x);
/* DELETE /v1/dead-letters/{id}: give it up */
void dead_letters_drop(struct exchange *x);

#endif
