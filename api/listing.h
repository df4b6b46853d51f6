/* listing.h - GET /v1/captures: captures that match, newest first. */
#ifndef API_LISTING_H
#define API_LISTING_H

#include "api/exchange.h"

void listing_get(struct exchange *x);

#endif
