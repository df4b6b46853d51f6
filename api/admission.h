/* admission.h - may this request have what it asks for?
 *
 * With keys, from the settings or the table, a request needs one with the right
 * scope, or a watch token for this one thing.  Without any, loopback is served
 * as access.h says.
 */
#ifndef API_ADMISSION_H
#define API_ADMISSION_H

#include "api/exchange.h"

enum admission {
    WITH_KEY,
    OR_CAPTURE_TOKEN, /* a watch token for {id} will do */
    OR_PICTURE_TOKEN, /* that, or one for pictures */
    OR_BATCH_TOKEN,   /* or one for `?batch=` */
    OR_ANY_TOKEN,     /* or one for anything: the handler looks for what */
    OR_LATER,         /* or nothing yet: it comes inside of the protocol */
    OPEN,             /* holds no data, or judges by itself */
};

/* Or may everybody who reaches loopback do everything? */
bool admission_needs_key(const struct api *a);

/* False with an answer given.  Fills in the exchange's key, actor, owner and
 * quota. */
MUST_USE bool admission_check(struct exchange *x, enum admission admission,
                              enum scope needed);

#endif
