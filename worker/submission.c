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

static bool is_accepted(const struct profile *profile, unsigned status)
{
    const unsigned *accepted = profile->submit.accepted;

    if (*accepted == 0)
        return status >= 200 && status <= 299;
    while (*accepted != 0 && *accepted != status)
        accepted++;
    return *accepted != 0;
}

static void put_off(struct entry *e, const char *code, const char *error,
                    int64_t delay_ms)
{
    entry_finish(e, "postpone", code, error);
    e->result.delay_ms = delay_ms;
}

static void postpone(struct entry *e, const char *code, const char *error,
                     int64_t delay_ms)
{
    log_warning(LOG_WITH({ "job", e->job.id }, { "provider", e->job.provider }),
                "could not submit a capture, trying again in %lld ms: %s",
                (long long)delay_ms, error);
    put_off(e, code, error, delay_ms);
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
        put_off(e, code,
                "the provider refuses our key; check SHOTFLEET_PROVIDER_KEY",
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
    else if (!is_accepted(p->profile, answer->status))
        judge_error(e, p, answer);
    else
        judge_accepted(e, p, answer);
}
