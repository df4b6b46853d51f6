#include "api/problem.h"

#include <json-c/json.h>
#include <stdlib.h>

#include "common/mem.h"

static const struct {
    unsigned status;
    const char *code;
    const char *title;
    const char *type; /* behind "urn:shotfleet:problem:" */
} table[] = {
    [PROBLEM_INVALID_REQUEST] = { 400, "INVALID_REQUEST",
                                  "The request is not valid",
                                  "invalid-request" },
    [PROBLEM_INVALID_URL] = { 400, "INVALID_URL", "The URL cannot be captured",
                              "invalid-url" },
    [PROBLEM_UNAUTHORIZED] = { 401, "UNAUTHORIZED", "A key is needed",
                               "unauthorized" },
    [PROBLEM_FORBIDDEN_SCOPE] = { 403, "FORBIDDEN_SCOPE",
                                  "The key may not do this",
                                  "forbidden-scope" },
    [PROBLEM_FORBIDDEN_HOST] = { 403, "FORBIDDEN_HOST",
                                 "This host name is not served",
                                 "forbidden-host" },
    [PROBLEM_FORBIDDEN_ORIGIN] = { 403, "FORBIDDEN_ORIGIN",
                                   "Another site may not do this",
                                   "forbidden-origin" },
    [PROBLEM_NOT_FOUND] = { 404, "NOT_FOUND", "There is no such thing",
                            "not-found" },
    [PROBLEM_NO_PICTURE] = { 404, "NO_PICTURE", "There is no picture",
                             "no-picture" },
    [PROBLEM_PICTURE_REMOVED] = { 410, "PICTURE_REMOVED",
                                  "The picture was removed",
                                  "picture-removed" },
    [PROBLEM_WRONG_STATE] = { 409, "WRONG_STATE",
                              "This cannot be done in the present state",
                              "wrong-state" },
    [PROBLEM_IDEMPOTENCY_CONFLICT] = { 409, "IDEMPOTENCY_CONFLICT",
                                       "The key was used for another request",
                                       "idempotency-conflict" },
    [PROBLEM_METHOD_NOT_ALLOWED] = { 405, "METHOD_NOT_ALLOWED",
                                     "This method is not for this path",
                                     "method-not-allowed" },
    [PROBLEM_UNSUPPORTED_TYPE] = { 415, "UNSUPPORTED_TYPE",
                                   "The body must be JSON",
                                   "unsupported-type" },
    [PROBLEM_TIMEOUT] = { 408, "TIMEOUT", "The request came too slowly",
                          "timeout" },
    [PROBLEM_TOO_LARGE] = { 413, "TOO_LARGE", "The body is too large",
                            "too-large" },
    [PROBLEM_HEAD_TOO_LARGE] = { 431, "HEAD_TOO_LARGE",
                                 "The request's head is too large",
                                 "head-too-large" },
    [PROBLEM_RANGE] = { 416, "RANGE_NOT_SATISFIABLE",
                        "No byte of it is in the range",
                        "range-not-satisfiable" },
    [PROBLEM_MALFORMED] = { 400, "MALFORMED", "This is no request by RFC 9112",
                            "malformed" },
    [PROBLEM_UPGRADE_REQUIRED] = { 426, "UPGRADE_REQUIRED",
                                   "This is a WebSocket", "upgrade-required" },
    [PROBLEM_RATE_LIMITED] = { 429, "RATE_LIMITED",
                               "The key's limit is used up", "rate-limited" },
    [PROBLEM_INTERNAL] = { 500, "INTERNAL", "Something went wrong here",
                           "internal" },
    [PROBLEM_UNAVAILABLE] = { 503, "UNAVAILABLE",
                              "The fleet cannot take this right now",
                              "unavailable" },
};

unsigned problem_status(enum problem p)
{
    return table[p].status;
}

struct json_object *problem_document(enum problem p, const char *detail,
                                     struct json_object *errors)
{
    struct json_object *o = json_object_new_object();
    char *type = mem_format("urn:shotfleet:problem:%s", table[p].type);

    json_object_object_add(o, "type", json_object_new_string(type));
    json_object_object_add(o, "title", json_object_new_string(table[p].title));
    json_object_object_add(o, "status",
                           json_object_new_int((int)table[p].status));
    json_object_object_add(o, "code", json_object_new_string(table[p].code));
    json_object_object_add(o, "detail", json_object_new_string(detail));
    if (errors)
        json_object_object_add(o, "errors", json_object_get(errors));
    free(type);
    return o;
}
