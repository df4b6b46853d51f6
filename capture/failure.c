#include "capture/failure.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *code;
    const char *title;
    unsigned status;
} failures[FAILURE_COUNT] = {
    [FAILURE_NONE] = { "OK", "it worked", 200 },
    [FAILURE_INVALID_REQUEST] = { "INVALID_REQUEST", "the request is not valid",
                                  400 },
    [FAILURE_UNAUTHORIZED] = { "UNAUTHORIZED", "a valid API key is needed",
                               401 },
    [FAILURE_INVALID_URL] = { "INVALID_URL", "the URL is not valid", 400 },
    [FAILURE_ADDRESS_BLOCKED] = { "ADDRESS_BLOCKED",
                                  "the address may not be reached", 403 },
    [FAILURE_SELECTOR_NOT_FOUND] = { "SELECTOR_NOT_FOUND",
                                     "nothing matches the selector", 422 },
    [FAILURE_TIMEOUT] = { "TIMEOUT", "the capture took too long", 504 },
    [FAILURE_NETWORK] = { "NETWORK_ERROR", "the page could not be reached",
                          502 },
    [FAILURE_HTTP] = { "HTTP_ERROR", "the page answered with an error", 502 },
    [FAILURE_CAPTURE] = { "CAPTURE_ERROR", "the capture failed", 500 },
    [FAILURE_RATE_LIMITED] = { "RATE_LIMITED", "the queue is full", 429 },
};

void fault_set(struct fault *f, enum failure failure, const char *fmt, ...)
{
    va_list args;

    f->failure = failure;
    va_start(args, fmt);
    vsnprintf(f->message, sizeof f->message, fmt, args);
    va_end(args);
}

const char *failure_code(enum failure f)
{
    return failures[f].code;
}

const char *failure_title(enum failure f)
{
    return failures[f].title;
}

unsigned failure_status(enum failure f)
{
    return failures[f].status;
}
