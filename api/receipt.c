#include "api/receipt.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/reply.h"
#include "api/watch.h"
#include "common/json.h"
#include "common/mem.h"

enum { UUID_SIZE = 37 };

/* The next one of "{ID,…}"; false at its end. */
static bool next_job(const char **jobs, char out[UUID_SIZE])
{
    const char *start = *jobs + strspn(*jobs, "{,");
    size_t len = strcspn(start, ",}");

    if (len == 0 || len >= UUID_SIZE)
        return false;
    memcpy(out, start, len);
    out[len] = '\0';
    *jobs = start + len;
    return true;
}

void receipt_each(struct api *a, const char *jobs, receipt_job_fn *fn)
{
    char job[UUID_SIZE];

    while (next_job(&jobs, job))
        fn(a, job);
}

static void put_text(struct json_object *o, const char *name, const char *text)
{
    json_object_object_add(o, name, json_object_new_string(text));
}

static struct json_object *accepted(struct api *a, const char *job,
                                    const struct receipt *r)
{
    struct json_object *o = json_object_new_object();

    put_text(o, "jobId", job);
    put_text(o, "status", "queued");
    put_text(o, "submittedAt", r->submitted_at);
    watch_offer(a, o, WATCH_CAPTURE, job);
    return o;
}

/* Takes nothing: the problem is shared with the list that it came from. */
static struct json_object *refused(struct json_object *problem)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "problem", json_object_get(problem));
    return o;
}

/* In the order of the request. */
static struct json_object *items(struct api *a, const struct receipt *r,
                                 size_t *accepted_count)
{
    struct json_object *list = json_object_new_array();
    struct json_object *problems = NULL;
    const char *jobs = r->jobs;
    char job[UUID_SIZE], error[128];
    size_t i = 0;

    if (r->refusals)
        problems =
            json_parse(r->refusals, strlen(r->refusals), error, sizeof error);
    for (*accepted_count = 0;; i++) {
        struct json_object *problem =
            problems ? json_object_array_get_idx(problems, i) : NULL;

        if (problem) {
            json_object_array_add(list, refused(problem));
        } else if (next_job(&jobs, job)) {
            json_object_array_add(list, accepted(a, job, r));
            ++*accepted_count;
        } else {
            break;
        }
    }
    json_object_put(problems);
    return list;
}

static void reply_batch(struct exchange *x, const struct receipt *r,
                        const struct http_field *fields)
{
    struct json_object *root = json_object_new_object();
    size_t count = 0;
    struct json_object *list = items(x->api, r, &count);
    size_t total = json_object_array_length(list);

    put_text(root, "batchId", r->batch);
    watch_offer(x->api, root, WATCH_BATCH, r->batch);
    json_object_object_add(root, "accepted",
                           json_object_new_int64((int64_t)count));
    json_object_object_add(root, "refused",
                           json_object_new_int64((int64_t)(total - count)));
    json_object_object_add(root, "captures", list);
    reply_json(x, 202, root, fields);
}

void receipt_reply(struct exchange *x, const struct receipt *r)
{
    const char *jobs = r->jobs;
    char job[UUID_SIZE] = "", location[64];
    struct http_field fields[3] = { { 0 } };
    size_t n = 0;

    if (r->replayed)
        fields[n++] = (struct http_field){ "Idempotency-Replayed", "true" };
    if (r->batch) {
        reply_batch(x, r, fields);
        return;
    }
    (void)next_job(&jobs, job);
    snprintf(location, sizeof location, "/v1/captures/%s", job);
    fields[n] = (struct http_field){ "Location", location };
    reply_json(x, 202, accepted(x->api, job, r), fields);
}
