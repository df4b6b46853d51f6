#include "cli/submission.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "common/digest.h"
#include "common/json.h"
#include "common/mem.h"

enum {
    WISHES_MAX = 1000, /* of one request, as api has it */
    /* stays below api's SHOTFLEET_MAX_BODY_BYTES, 1 MiB by default */
    BODY_MAX_BYTES = 900 * 1024,
    PAUSE_MS = 1000, /* when api does not say how long */
    KEY_BYTES = 16,
};

static const char *text_of(const struct wish *w)
{
    return json_object_to_json_string_ext(w->body, JSON_C_TO_STRING_PLAIN);
}

void submission_init(struct submission *s, struct service *service,
                     struct patience *patience)
{
    *s = (struct submission){ .service = service,
                              .patience = patience,
                              .max_bytes = BODY_MAX_BYTES };
}

/* How many of them go into one request; at least one. */
static size_t fit(const struct submission *s, const struct wish *wishes,
                  size_t count)
{
    size_t bytes = 0, n = 0;

    while (n < count && n < WISHES_MAX) {
        bytes += strlen(text_of(&wishes[n])) + 1;
        if (n > 0 && bytes > s->max_bytes)
            break;
        n++;
    }
    return n;
}

static char *body_of(const struct wish *wishes, size_t count)
{
    struct buf body;
    size_t len;
    int rc = 0;

    if (count == 1)
        return mem_strdup(text_of(wishes));
    buf_init(&body, SIZE_MAX);
    rc |= buf_append_str(&body, "{\"captures\":[");
    for (size_t i = 0; i < count; i++) {
        rc |= buf_append_str(&body, i > 0 ? "," : "");
        rc |= buf_append_str(&body, text_of(&wishes[i]));
    }
    rc |= buf_append_str(&body, "]}");
    if (rc != 0)
        abort(); /* out of memory */
    return buf_detach(&body, &len);
}

/* --- what api says */

static void accept_one(struct wish *w, struct json_object *receipt)
{
    w->id = mem_strdup(json_text(receipt, "jobId"));
    w->document = json_object_get(receipt);
    json_object_object_add(receipt, "url", json_object_new_string(wish_url(w)));
}

static void refuse(const struct submission *s, struct wish *w,
                   struct json_object *problem, const char *reason)
{
    const char *code = json_text(problem, "code");

    if (!reason)
        reason = json_text(problem, "detail");
    if (!reason) /* what is refused below the API itself */
        reason = json_text(problem, "error");
    s->refused(w, code ? code : "REFUSED",
               reason ? reason : "api did not say why", s->arg);
}

/* Of one request for many; false when this is not api's answer. */
static bool accept_many(const struct submission *s, struct wish *wishes,
                        size_t count, struct json_object *answer)
{
    struct json_object *items = json_at(answer, "captures");

    if (!json_object_is_type(items, json_type_array) ||
        json_object_array_length(items) != count ||
        !json_text(answer, "batchId"))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(items, i);

        if (json_text(item, "jobId"))
            accept_one(&wishes[i], item);
        else
            refuse(s, &wishes[i], json_at(item, "problem"), NULL);
    }
    return true;
}

static bool accept(const struct submission *s, struct wish *wishes,
                   size_t count, struct json_object *answer, char **events)
{
    if (count == 1 && json_text(answer, "jobId")) {
        accept_one(wishes, answer);
        *events = mem_format("/v1/captures/%s/events", wishes[0].id);
        return true;
    }
    if (count == 1 || !accept_many(s, wishes, count, answer))
        return false;
    *events = mem_format("/v1/events?batch=%s", json_text(answer, "batchId"));
    return true;
}

/* The first reason that the problem gives for this element; NULL: none. */
static const char *reason_for(struct json_object *problem, size_t i)
{
    struct json_object *errors = json_at(problem, "errors");
    char *prefix = mem_format("captures.%zu", i);
    size_t len = strlen(prefix);
    const char *reason = NULL;
    size_t count = json_object_is_type(errors, json_type_array)
                       ? json_object_array_length(errors)
                       : 0;

    for (size_t k = 0; k < count && !reason; k++) {
        struct json_object *error = json_object_array_get_idx(errors, k);
        const char *field = json_text(error, "field");

        if (field && strncmp(field, prefix, len) == 0 &&
            (field[len] == '.' || field[len] == '\0'))
            reason = json_text(error, "reason");
    }
    free(prefix);
    return reason;
}

static void refuse_all(const struct submission *s, struct wish *wishes,
                       size_t count, struct json_object *problem)
{
    for (size_t i = 0; i < count; i++)
        refuse(s, &wishes[i], problem,
               count > 1 ? reason_for(problem, i) : NULL);
}

/* --- asking */

/* Shall the same request be made again?  Then it is time for it now. */
static bool again(const struct submission *s, enum service_outcome outcome)
{
    long status = service_status(s->service);
    bool passes = outcome == SERVICE_ANSWERED
                      ? status == 429 || (s->patient && status == 503)
                      : s->patient && outcome == SERVICE_UNREACHABLE;
    int64_t pause_ms = service_retry_after_s(s->service) * 1000;

    if (!passes || patience_is_over(s->patience))
        return false;
    patience_sleep(s->patience, pause_ms > 0 ? pause_ms : PAUSE_MS);
    return !patience_is_over(s->patience);
}

static enum service_outcome post(const struct submission *s, const char *body)
{
    char key[2 * KEY_BYTES + 1];
    enum service_outcome outcome;

    random_hex(KEY_BYTES, key);
    do {
        outcome = service_send(s->service, "POST", "/v1/captures", body, key);
    } while (again(s, outcome));
    return outcome;
}

/* What api said to a request with these wishes; false when it is of no use. */
static bool take_answer(struct submission *s, struct wish *wishes, size_t count,
                        struct json_object *answer, char **events)
{
    long status = service_status(s->service);

    if (status == 202 && accept(s, wishes, count, answer, events)) {
        s->patient = true;
        return true;
    }
    if (status < 400 || status >= 500 || status == 401 || status == 403 ||
        status == 429)
        return false;
    refuse_all(s, wishes, count, answer);
    return true;
}

size_t submission_send(struct submission *s, struct wish *wishes, size_t count,
                       char **events, int *code)
{
    enum service_outcome outcome;
    struct json_object *answer;
    size_t n;

    *events = NULL;
    for (;;) {
        char *body;
        size_t len;

        n = fit(s, wishes, count);
        body = body_of(wishes, n);
        len = strlen(body);
        outcome = post(s, body);
        free(body);
        if (outcome != SERVICE_ANSWERED || service_status(s->service) != 413 ||
            n == 1)
            break;
        s->max_bytes = len / 2;
    }
    answer = answer_of(s->service);
    if (outcome != SERVICE_ANSWERED ||
        !take_answer(s, wishes, n, answer, events)) {
        *code = answer_complain(s->service, outcome, answer, NULL);
        n = 0;
    }
    json_object_put(answer);
    return n;
}
