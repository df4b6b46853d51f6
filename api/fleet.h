/* fleet.h - the fleet in numbers: GET /v1/fleet. */
#ifndef API_FLEET_H
#define API_FLEET_H

#include "api/exchange.h"

void fleet_get(struct exchange *x);

#endif
