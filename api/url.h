/* url.h - may this be captured at all?
 *
 * Refuses what no provider could capture, and what should not lie about in a
 * database; which addresses are allowed is for whoever connects to decide.
 */
#ifndef API_URL_H
#define API_URL_H

#include "common/base.h"

/* NULL when it is an absolute http or https URL with a host and without
 * credentials (RFC 3986, RFC 9110 section 4.2; international host names may be
 * in UTF-8); else what is wrong and what to do. */
const char *url_complaint(const char *url, size_t len);

#endif
