#include "api/submit.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/captures.h"
#include "api/counters.h"
#include "api/queue.h"
#include "api/reply.h"
#include "api/submission.h"
#include "api/watch.h"
#include "common/mem.h"

/* All or none: one statement, one transaction. */
static const struct db_statement create_statement = {
    "api_create",
    "with batch as materialized ("
    " select case when $6::boolean then uuidv7() end as id) "
    "select create_job(e.url, e.options::jsonb, e.provider, batch.id,"
    " e.metadata::jsonb, e.callback_url)::text, rfc3339(now()), batch.id::text "
    "from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])"
    " with ordinality"
    " as e (url, options, provider, metadata, callback_url, n), batch "
    "order by e.n",
};

enum { ID, SUBMITTED_AT, BATCH_ID }; /* its columns */

/* What the user gets to know of one row. */
static struct json_object *receipt(struct api *a,
                                   const struct db_result *result, size_t row)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "jobId",
                           json_object_new_string(db_value(result, row, ID)));
    json_object_object_add(o, "status", json_object_new_string("queued"));
    json_object_object_add(
        o, "submittedAt",
        json_object_new_string(db_value(result, row, SUBMITTED_AT)));
    watch_offer(a, o, WATCH_CAPTURE, db_value(result, row, ID));
    return o;
}

static void reply_batch(struct exchange *x, const struct db_result *result)
{
    struct json_object *root = json_object_new_object();
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < db_rows(result); i++)
        json_object_array_add(list, receipt(x->api, result, i));
    json_object_object_add(
        root, "batchId", json_object_new_string(db_value(result, 0, BATCH_ID)));
    watch_offer(x->api, root, WATCH_BATCH, db_value(result, 0, BATCH_ID));
    json_object_object_add(root, "captures", list);
    reply_json(x, 202, root, NULL);
}

static void reply_one(struct exchange *x, const struct db_result *result)
{
    char *location = mem_format("/v1/captures/%s", db_value(result, 0, ID));
    struct http_field fields[] = { { "Location", location }, { 0 } };

    reply_json(x, 202, receipt(x->api, result, 0), fields);
    free(location);
}

static void on_created(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    struct api *a = x->api;

    if (db_result_status(result) != DB_OK) {
        reply_db_failure(x, result);
        return;
    }
    metric_add(a->metrics, COUNTER_ACCEPTED, (int64_t)db_rows(result));
    for (size_t i = 0; i < db_rows(result); i++)
        queue_capture(a, db_value(result, i, ID), 1);
    if (db_value(result, 0, BATCH_ID))
        reply_batch(x, result);
    else
        reply_one(x, result);
}

/* How long the array of one column can get: every byte escaped, and quotes. */
static size_t array_room(const struct submissions *s)
{
    size_t room = sizeof "{}";

    for (size_t i = 0; i < s->count; i++) {
        const struct submission *one = &s->items[i];
        size_t longest = strlen(one->url) + strlen(one->options) +
                         strlen(one->metadata) +
                         strlen(one->provider ? one->provider : "NULL") +
                         strlen(one->callback_url ? one->callback_url : "NULL");

        room += 2 * longest + sizeof "\"\",";
    }
    return room;
}

static void create(struct exchange *x, const struct submissions *s)
{
    struct buf columns[5];
    const char *values[ARRAY_LEN(columns) + 1];

    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        buf_init(&columns[i], array_room(s));
        db_array_begin(&columns[i]);
    }
    for (size_t i = 0; i < s->count; i++) {
        db_array_add(&columns[0], s->items[i].url);
        db_array_add(&columns[1], s->items[i].options);
        db_array_add(&columns[2], s->items[i].provider);
        db_array_add(&columns[3], s->items[i].metadata);
        db_array_add(&columns[4], s->items[i].callback_url);
    }
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        db_array_end(&columns[i]);
        values[i] = columns[i].data;
    }
    values[ARRAY_LEN(columns)] = s->batch ? "true" : "false";
    db_call(x->api->db, &create_statement, values, ARRAY_LEN(values),
            on_created, x);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        buf_release(&columns[i]);
}

static bool provider_known(const char *name, void *arg)
{
    const struct api *a = arg;

    return profiles_find(&a->profiles, name) != NULL;
}

/* "application/json", with parameters or not. */
static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t len = sizeof json - 1;

    return type && strncasecmp(type, json, len) == 0 &&
           (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

void submit_handle(struct exchange *x)
{
    const struct submission_rules rules = {
        .provider_known = provider_known,
        .arg = x->api,
        .callbacks = x->api->settings->callbacks,
    };
    struct submissions submissions = { 0 };
    struct complaints complaints = { 0 };
    size_t len = 0;
    const char *body = http_body(x->request, &len);

    if (!is_json(http_header(x->request, "Content-Type"))) {
        reply_problem(x, PROBLEM_UNSUPPORTED_TYPE,
                      "send the body as JSON with `Content-Type: "
                      "application/json`");
        return;
    }
    if (submissions_parse(&submissions, body, len, &rules, &complaints) != 0) {
        reply_complaints(x, &complaints);
        goto out;
    }
    if (shards_up(x->api->shards) == 0) {
        reply_unavailable(x, "the queue is away; nothing was accepted, try "
                             "again");
        goto out;
    }
    if (captures_db_ready(x))
        create(x, &submissions);
out:
    submissions_release(&submissions);
    complaints_release(&complaints);
}
