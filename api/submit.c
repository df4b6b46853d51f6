#include "api/submit.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "api/body.h"
#include "api/counters.h"
#include "api/idempotency_key.h"
#include "api/lookup.h"
#include "api/queue.h"
#include "api/receipt.h"
#include "api/reply.h"
#include "api/submission.h"
#include "common/digest.h"
#include "common/mem.h"

static const struct db_statement submit_statement = {
    "api_submit",
    "select outcome, batch_id, rfc3339(submitted_at), job_ids, refusals_then"
    " from submit_captures($1::text[], $2::text[], $3::text[], $4::text[],"
    " $5::text[], $6::boolean, $7, $8, $9, $10)",
};

enum { OUTCOME, BATCH, SUBMITTED_AT, JOBS, REFUSALS }; /* its columns */
enum { COLUMNS = 5 };                                  /* its arrays */

static void append(struct api *a, const char *job)
{
    queue_capture(a, job, 1);
    metric_add(a->metrics, COUNTER_ACCEPTED, 1);
}

static void on_submitted(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    struct receipt r = { 0 };
    const char *outcome;

    if (db_result_status(result) != DB_OK) {
        reply_db_failure(x, result);
        return;
    }
    outcome = db_value(result, 0, OUTCOME);
    if (strcmp(outcome, "conflict") == 0) {
        reply_problem(x, PROBLEM_IDEMPOTENCY_CONFLICT,
                      "Idempotency-Key: was used with another body within the "
                      "last 24 hours; give each request a key of its own");
        return;
    }
    r = (struct receipt){
        .batch = db_value(result, 0, BATCH),
        .submitted_at = db_value(result, 0, SUBMITTED_AT),
        .jobs = db_value(result, 0, JOBS),
        .refusals = db_value(result, 0, REFUSALS),
        .replayed = strcmp(outcome, "replayed") == 0,
    };
    if (!r.replayed)
        receipt_each(x->api, r.jobs, append);
    receipt_reply(x, &r);
}

/* How long the array of one column can get: every byte escaped, and quotes. */
static size_t array_room(const struct submissions *s)
{
    size_t room = sizeof "{}";

    for (size_t i = 0; i < s->count; i++) {
        const struct submission *one = &s->items[i];
        size_t longest;

        if (one->complaints.count > 0)
            continue;
        longest = strlen(one->url) + strlen(one->options) +
                  strlen(one->metadata) +
                  strlen(one->provider ? one->provider : "NULL") +
                  strlen(one->callback_url ? one->callback_url : "NULL");
        room += 2 * longest + sizeof "\"\",";
    }
    return room;
}

/* JSON: the problem of each capture, null where it is accepted; NULL when all
 * are.  The caller frees. */
static char *refusals_of(const struct submissions *s)
{
    struct json_object *list;
    char *text;

    if (s->accepted == s->count)
        return NULL;
    list = json_object_new_array();
    for (size_t i = 0; i < s->count; i++) {
        const struct complaints *c = &s->items[i].complaints;

        json_object_array_add(list, c->count > 0 ? reply_complaints_document(c)
                                                 : NULL);
    }
    text = mem_strdup(
        json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
    json_object_put(list);
    return text;
}

static void fill(struct buf columns[COLUMNS], const struct submissions *s)
{
    size_t room = array_room(s);

    for (size_t i = 0; i < COLUMNS; i++) {
        buf_init(&columns[i], room);
        db_array_begin(&columns[i]);
    }
    for (size_t i = 0; i < s->count; i++) {
        const struct submission *one = &s->items[i];

        if (one->complaints.count > 0)
            continue;
        db_array_add(&columns[0], one->url);
        db_array_add(&columns[1], one->options);
        db_array_add(&columns[2], one->provider);
        db_array_add(&columns[3], one->metadata);
        db_array_add(&columns[4], one->callback_url);
    }
    for (size_t i = 0; i < COLUMNS; i++)
        db_array_end(&columns[i]);
}

/* `key` NULL: without one. */
static void submit(struct exchange *x, const struct submissions *s,
                   const char *key)
{
    struct buf columns[COLUMNS];
    char *refusals = refusals_of(s);
    char sum[SHA256_HEX_SIZE] = "";
    size_t len = 0;
    const char *body = http_body(x->request, &len);

    if (key)
        sha256_hex(body, len, sum);
    fill(columns, s);
    db_call(x->api->db, &submit_statement,
            (const char *const[]){ columns[0].data, columns[1].data,
                                   columns[2].data, columns[3].data,
                                   columns[4].data, s->batch ? "true" : "false",
                                   refusals, x->owner, key, sum },
            COLUMNS + 5, on_submitted, x);
    for (size_t i = 0; i < COLUMNS; i++)
        buf_release(&columns[i]);
    free(refusals);
}

/* 1 when there is a key, 0 when not, -1 with a complaint. */
static int read_key(const struct exchange *x, char key[IDEMPOTENCY_KEY_SIZE],
                    struct complaints *c)
{
    static const char name[] = "Idempotency-Key";
    unsigned count;
    const char *header = http_header_and_count(x->request, name, &count);

    if (count == 0)
        return 0;
    if (count == 1 && idempotency_key_parse(header, key) == 0)
        return 1;
    complain(c, name,
             "must be one key of 1 to %d visible ASCII characters, such as a "
             "UUID, in quotes or without",
             IDEMPOTENCY_KEY_MAX);
    return -1;
}

static bool provider_known(const char *name, void *arg)
{
    const struct api *a = arg;

    return profiles_find(&a->profiles, name) != NULL;
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
    char key[IDEMPOTENCY_KEY_SIZE];
    int has_key;
    size_t len = 0;
    const char *body = http_body(x->request, &len);

    if (!body_is_json(x))
        return;
    has_key = read_key(x, key, &complaints);
    if (has_key < 0 ||
        submissions_parse(&submissions, body, len, &rules, &complaints) != 0) {
        reply_complaints(x, &complaints);
        goto out;
    }
    if (shards_up(x->api->shards) == 0) {
        reply_unavailable(x, "the queue is away; nothing was accepted, try "
                             "again");
        goto out;
    }
    if (lookup_ready(x))
        submit(x, &submissions, has_key ? key : NULL);
out:
    submissions_release(&submissions);
    complaints_release(&complaints);
}
