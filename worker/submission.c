#include "worker/submission.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    BUSY_MS = 3 * 1000,       /* provider busy or down: soon again */
    FORBIDDEN_MS = 60 * 1000, /* our key is wrong: an operator has to come */
    RETRY_AFTER_CAP_MS = 300 * 1000,
};

/* Puts `value` (taken) at a dotted path; objects on the way are made. */
static void put_at(struct json_object *root, const char *path,
                   struct json_object *value)
{
    const char *dot;

    while ((dot = strchr(path, '.'))) {
        char *name = mem_dup(path, (size_t)(dot - path));
        struct json_object *inner = NULL;

        if (!json_object_object_get_ex(root, name, &inner) ||
            !json_object_is_type(inner, json_type_object)) {
            inner = json_object_new_object();
            json_object_object_add(root, name, inner);
        }
        free(name);
        root = inner;
        path = dot + 1;
    }
    json_object_object_add(root, path, value);
}

char *submission_body(const struct provider *p, const struct job *job,
                      const char *webhook_url, char *error, size_t error_size)
{
    const struct profile *profile = p->profile;
    struct json_object *body =
        json_parse(job->options, strlen(job->options), error, error_size);
    char *text = NULL;

    if (!body || !json_object_is_type(body, json_type_object)) {
        json_object_put(body);
        return NULL;
    }
    if (profile->submit.constants) {
        json_object_object_foreach(profile->submit.constants, name, value)
            put_at(body, name, json_object_get(value));
    }
    put_at(body, profile->submit.url_field, json_object_new_string(job->url));
    if (profile->submit.webhook_field)
        put_at(body, profile->submit.webhook_field,
               json_object_new_string(webhook_url));
    text = mem_strdup(
        json_object_to_json_string_ext(body, JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(body);
    return text;
}

static void postpone(struct entry *e, const char *code, const char *error,
                     int64_t delay_ms)
{
    log_warning(LOG_WITH({ "job", e->job.id }, { "provider", e->job.provider }),
                "could not submit a capture, trying again in %lld ms: %s",
                (long long)delay_ms, error);
    entry_finish(e, "postpone", code, error);
    e->result.delay_ms = delay_ms;
}

static int64_t wait_for(const struct http_answer *answer)
{
    if (answer->retry_after_ms < 0)
        return backoff_ms(0, BUSY_MS, BUSY_MS);
    return answer->retry_after_ms < RETRY_AFTER_CAP_MS ? answer->retry_after_ms
                                                       : RETRY_AFTER_CAP_MS;
}

/* The provider's own words, else the status. */
static void judge_error(struct entry *e, const struct provider *p,
                        const struct http_answer *answer)
{
    char ignored[128], fallback[64];
    struct json_object *root =
        json_parse(answer->body, answer->body_len, ignored, sizeof ignored);
    const char *code = json_text(root, "code");
    const char *message = json_text(root, "message");
    unsigned status = answer->status;

    snprintf(fallback, sizeof fallback, "provider answered HTTP %u", status);
    if (!message)
        message = fallback;
    if (status == 401 || status == 403)
        postpone(e, code,
                 "the provider refuses our key; check "
                 "SHOTFLEET_PROVIDER_KEY",
                 FORBIDDEN_MS);
    else if (status == 429 || status >= 500 ||
             profile_retryable(p->profile, code, status))
        postpone(e, code, message, wait_for(answer));
    else
        entry_finish(e, "failed", code ? code : "PROVIDER_ERROR", message);
    json_object_put(root);
}

static void judge_accepted(struct entry *e, const struct provider *p,
                           const struct http_answer *answer)
{
    char ignored[128];
    struct json_object *root =
        json_parse(answer->body, answer->body_len, ignored, sizeof ignored);

    for (size_t i = 0; i < p->profile->answer.job_id.count; i++) {
        const struct place *place = &p->profile->answer.job_id.items[i];
        struct json_object *value =
            place->kind == PLACE_BODY ? json_at(root, place->path) : NULL;

        if (!e->result.provider_job &&
            (json_object_is_type(value, json_type_string) ||
             json_object_is_type(value, json_type_int)))
            e->result.provider_job = mem_strdup(json_object_get_string(value));
    }
    json_object_put(root);
    entry_finish(e, "submitted", NULL, NULL);
}

bool submission_is_picture(const struct http_answer *answer)
{
    return answer->failure == HTTP_OK && answer->status >= 200 &&
           answer->status <= 299 &&
           image_type_parse(answer->content_type) != IMAGE_UNKNOWN;
}

void submission_judge(struct entry *e, const struct provider *p,
                      const struct http_answer *answer)
{
    if (answer->failure != HTTP_OK)
        postpone(e, "PROVIDER_UNREACHABLE", answer->error,
                 backoff_ms(0, BUSY_MS, BUSY_MS));
    else if (answer->status < 200 || answer->status > 299)
        judge_error(e, p, answer);
    else
        judge_accepted(e, p, answer);
}
