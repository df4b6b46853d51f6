/* refusal.h - problems with requests that never become one: too large, too
 * slow, no HTTP.  The server refuses them by itself and asks only for the
 * words. */
#ifndef API_REFUSAL_H
#define API_REFUSAL_H

#include "common/http_server.h"

/* The `refusal` of http_server_options; `arg` is the struct api.  With the
 * headers of every answer, so that a page of an admitted origin may read it. */
void refusal_write(struct http_refusal *out, struct http_request *r,
                   unsigned status, const char *why, void *arg);

#endif
