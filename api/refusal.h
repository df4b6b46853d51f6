/* refusal.h - problems with requests that never become one: too large, too
 * slow, no HTTP.  The server refuses them by itself and asks only for the
 * words. */
#ifndef API_REFUSAL_H
#define API_REFUSAL_H

#include "common/buf.h"

/* The `refusal` of http_server_options. */
void refusal_write(struct buf *out, unsigned status, const char *why);

#endif
