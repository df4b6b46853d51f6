/* providers.h - GET /v1/providers: who they are, and how well they do. */
#ifndef API_PROVIDERS_H
#define API_PROVIDERS_H

#include "api/exchange.h"

void providers_get(struct exchange *x);

#endif
