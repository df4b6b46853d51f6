#include "api/refusal.h"

#include <json-c/json.h>
#include <stdlib.h>

#include "api/problem.h"
#include "common/mem.h"

static const struct {
    unsigned status;
    enum problem problem;
    const char *remedy;
} refusals[] = {
    { 408, PROBLEM_TIMEOUT, "send it without pauses" },
    { 413, PROBLEM_TOO_LARGE,
      "send fewer captures at once; SHOTFLEET_MAX_BODY_BYTES is the limit" },
    { 414, PROBLEM_HEAD_TOO_LARGE, "leave parameters out" },
    { 431, PROBLEM_HEAD_TOO_LARGE, "leave headers out" },
    { 503, PROBLEM_UNAVAILABLE, "try again after Retry-After seconds" },
    { 0, PROBLEM_MALFORMED, "the connection is closed; send it anew" },
};

void refusal_write(struct buf *out, unsigned status, const char *why)
{
    struct json_object *o;
    char *detail;
    size_t i = 0;

    while (refusals[i].status != 0 && refusals[i].status != status)
        i++;
    detail = mem_format("%s; %s", why, refusals[i].remedy);
    o = problem_document(refusals[i].problem, detail, NULL);
    json_object_object_add(o, "status", json_object_new_int((int)status));
    if (buf_append_str(out, json_object_to_json_string_ext(
                                o, JSON_C_TO_STRING_PLAIN)) != 0)
        abort(); /* all of these are our own short words */
    json_object_put(o);
    free(detail);
}
