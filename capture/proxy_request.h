/* proxy_request.h - one request to the filter proxy, taken apart.
 *
 * Pure: bytes in, a description out.  Two forms are understood (RFC 9112,
 * section 3.2): CONNECT with an authority, and a request with an absolute
 * http:// URL, which is rewritten to the form that an origin server expects.
 */
#ifndef PROXY_REQUEST_H
#define PROXY_REQUEST_H

#include "capture/url.h"
#include "common/base.h"
#include "common/buf.h"

enum { PROXY_HEAD_BYTES = 64 * 1024 }; /* Chromium's cookies may be long */

struct proxy_request {
    bool tunnel; /* CONNECT: bytes go to and fro from now on */
    char host[HOST_SIZE];
    uint16_t port;
    /* What the origin server gets instead of the head; empty for a tunnel.  It
     * asks to close the connection afterwards: one request, one connection,
     * so that a second one can never reach the first one's server. */
    struct buf head;
    int64_t body_bytes; /* that follow the head */
};

/* `ptr` holds the whole head, the empty line included.  On -1 `why` is a static
 * text.  Release `out` in any case. */
MUST_USE int proxy_request_parse(struct proxy_request *out, const char *ptr,
                                 size_t len, const char **why);
void proxy_request_release(struct proxy_request *r);

#endif
