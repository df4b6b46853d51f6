/* change.h - changing a capture's course: cancel, try again. */
#ifndef API_CHANGE_H
#define API_CHANGE_H

#include "api/exchange.h"

/* DELETE /v1/captures/{id} */
void change_cancel(struct exchange *x);
/* POST /v1/captures/{id}/retry */
void change_retry(struct exchange *x);

#endif
