/* submit.h - POST /v1/captures: rows first, then the stream.
 *
 * A capture is accepted once its row is committed.  The entry on the submit
 * stream only makes it quick: if Redis does not take it, the poller finds the
 * row within seconds.
 */
#ifndef API_SUBMIT_H
#define API_SUBMIT_H

#include "api/exchange.h"

void submit_handle(struct exchange *x);

#endif
