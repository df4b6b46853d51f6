/* limits.h - how much of anything the outside may make us hold, and why. */
#ifndef LIMITS_H
#define LIMITS_H

enum {
    /* A URL longer than this is refused by most servers anyway. */
    LIMIT_URL_BYTES = 8 * 1024,
    /* JSON nested deeper than this is an attack on recursive readers. */
    LIMIT_JSON_DEPTH = 32,
    /* A provider's JSON answer (submit, status): a few fields. */
    LIMIT_PROVIDER_ANSWER_BYTES = 1024 * 1024,
    /* A picture: a 3840-wide full page in PNG stays below this. */
    LIMIT_PICTURE_BYTES = 64 * 1024 * 1024,
    /* Capture options of one job, as JSON text. */
    LIMIT_OPTIONS_BYTES = 256 * 1024,
    /* The longest that a capture may ask for: a page that is not there after
     * two minutes never comes. */
    LIMIT_CAPTURE_MS = 120 * 1000,
    /* Error text kept in a row or a log line; the rest is cut. */
    LIMIT_ERROR_BYTES = 1024,
    /* Request head: request line and all headers. */
    LIMIT_HTTP_HEAD_BYTES = 16 * 1024,
    LIMIT_HTTP_HEADERS = 100,
    LIMIT_REDIRECTS = 5,
};

#endif
