/* url.h - the little that this program needs to know about a URL.
 *
 * It is no parser: Chromium is, and the filter proxy judges what Chromium then
 * connects to.  These only refuse early what can never be a web page, and take
 * apart URLs that Chromium has written itself.
 */
#ifndef URL_H
#define URL_H

#include "common/base.h"

/* An http or https URL with a host, without blanks and control characters, of
 * at most LIMIT_URL_BYTES.  `why` gets the reason (static text). */
MUST_USE int url_check(const char *url, const char **why);

enum { HOST_SIZE = 256 }; /* a name has 253 bytes at most (RFC 1035) */

/* Host (without brackets) and port of an http(s) URL in Chromium's own
 * canonical form.  -1 for any other. */
MUST_USE int url_host(const char *url, char host[HOST_SIZE], uint16_t *port);
/* Takes "host", "host:port" or "[v6]:port" apart.  A `fallback_port` of 0 means
 * that the port must be there. */
MUST_USE int authority_split(const char *ptr, size_t len,
                             uint16_t fallback_port, char host[HOST_SIZE],
                             uint16_t *port);

#endif
