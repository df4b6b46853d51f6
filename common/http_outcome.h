/* http_outcome.h - what the end of a libcurl transfer means; for http_client.c.
 */
#ifndef HTTP_OUTCOME_H
#define HTTP_OUTCOME_H

#include <curl/curl.h>

#include "common/http_client.h"

enum http_failure http_failure_of(CURLcode code);

/* The answer's Retry-After, in seconds or as an HTTP date (RFC 9110, 10.2.3),
 * at most a day; -1 when absent or neither. */
int64_t http_retry_after_ms(CURL *easy);

#endif
