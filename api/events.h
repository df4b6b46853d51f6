/* events.h - server-sent events (WHATWG HTML, 9.2).
 *
 * A stream of one capture or one batch begins with its present state, tells
 * every change and ends with it; an EventSource that connects again with the id
 * of the end is told 204, which stops it.  Last-Event-ID brings back what was
 * missed of a batch or of everything, or the event `resync` when that is not
 * known any more.
 */
#ifndef API_EVENTS_H
#define API_EVENTS_H

#include "api/exchange.h"

/* GET /v1/captures/{id}/events */
void events_of_one(struct exchange *x);
/* GET /v1/events, of all captures; `?batch=` of one batch */
void events_of_many(struct exchange *x);

#endif
