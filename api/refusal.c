#include "api/refusal.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "api/problem.h"
#include "api/reply.h"
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

static void put_fields(struct http_refusal *out, struct http_request *r,
                       struct api *a)
{
    const struct exchange x = { .api = a, .request = r };
    struct reply_fields fields;
    size_t n = 0;

    for (const struct http_field *f = reply_fields(&x, &fields, NULL); f->name;
         f++) {
        assert(n < HTTP_REFUSAL_FIELDS);
        out->fields[n++] = *f; /* their texts are not of `fields` */
    }
}

void refusal_write(struct http_refusal *out, struct http_request *r,
                   unsigned status, const char *why, void *arg)
{
    struct json_object *o;
    char *detail;
    size_t i = 0;

    while (refusals[i].status != 0 && refusals[i].status != status)
        i++;
    detail = mem_format("%s; %s", why, refusals[i].remedy);
    o = problem_document(refusals[i].problem, detail, NULL);
    json_object_object_add(o, "status", json_object_new_int((int)status));
    out->type = "application/problem+json";
    if (buf_append_str(&out->body, json_object_to_json_string_ext(
                                       o, JSON_C_TO_STRING_PLAIN)) != 0)
        abort(); /* all of these are our own short words */
    put_fields(out, r, arg);
    json_object_put(o);
    free(detail);
}
