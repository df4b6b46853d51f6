/* events.h - server-sent events (WHATWG HTML, 9.2).
 *
 * The present state comes first, whatever Last-Event-ID says, so that a client
 * that comes back has missed nothing that matters.
 */
#ifndef API_EVENTS_H
#define API_EVENTS_H

#include "api/exchange.h"

/* GET /v1/captures/{id}/events: ends after the final state. */
void events_of_one(struct exchange *x);
/* GET /v1/events: every change of every capture, until the client leaves. */
void events_of_all(struct exchange *x);

#endif
