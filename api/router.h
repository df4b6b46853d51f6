/* router.h - from a request to the function that answers it.
 *
 * One table of paths; who may ask is decided here, before anything else looks
 * at the request.
 */
#ifndef API_ROUTER_H
#define API_ROUTER_H

#include "common/http_server.h"

/* An http_handler; `arg` is the struct api. */
void router_handle(struct http_request *request, void *arg);

#endif
