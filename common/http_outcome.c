#include "common/http_outcome.h"

#include <ctype.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"

/* A server may ask for patience, not for ever. */
enum { RETRY_AFTER_MAX_S = 24 * 60 * 60 };

const char *http_failure_name(enum http_failure f)
{
    static const char *const names[] = {
        [HTTP_OK] = "ok",
        [HTTP_BAD_URL] = "bad url",
        [HTTP_BLOCKED] = "blocked",
        [HTTP_UNRESOLVED] = "unresolved",
        [HTTP_UNREACHABLE] = "unreachable",
        [HTTP_TIMED_OUT] = "timed out",
        [HTTP_TOO_LARGE] = "too large",
        [HTTP_CANCELLED] = "cancelled",
    };

    return names[f];
}

enum http_failure http_failure_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return HTTP_OK;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return HTTP_BAD_URL;
    case CURLE_COULDNT_RESOLVE_HOST:
        return HTTP_UNRESOLVED;
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_TIMED_OUT;
    case CURLE_FILESIZE_EXCEEDED:
        return HTTP_TOO_LARGE;
    default:
        return HTTP_UNREACHABLE;
    }
}

int64_t http_retry_after_ms(CURL *easy)
{
    struct curl_header *header = NULL;
    const char *value;
    time_t date;
    int64_t seconds = 0;

    if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) !=
        CURLHE_OK)
        return -1;
    value = header->value;
    if (isdigit((unsigned char)*value)) {
        char *end = NULL;

        seconds = strtoll(value, &end, 10);
        if (*end != '\0')
            return -1;
    } else {
        date = curl_getdate(value, NULL);
        if (date < 0)
            return -1;
        seconds = (int64_t)date - clock_wall_ms() / 1000;
    }
    if (seconds < 0)
        seconds = 0;
    if (seconds > RETRY_AFTER_MAX_S)
        seconds = RETRY_AFTER_MAX_S;
    return seconds * 1000;
}
