/* From the JSON of providers/NAME.json to a struct profile; the format is in
 * docs/providers.md. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/profile.h"
#include "common/profile_fields.h"
#include "common/profile_map.h"
#include "common/profile_parse.h"
#include "common/profile_submit.h"
#include "common/profile_webhook.h"

static void read_answer(const struct fields *root, struct profile *p)
{
    static const char *const keys[] = { "job_id", NULL };
    struct fields f;

    if (!fields_open(&f, root, "answer"))
        return;
    fields_only(&f, keys);
    map_read_places(&f, "job_id", false, &p->answer.job_id);
}

/* Without the webhook URL in a submission, that was set up at the provider:
 * then only its own job id says what a webhook is about. */
static void check_correlation(const struct fields *root, struct profile *p)
{
    if (p->submit.base_url && profile_webhook_is_fixed(p) &&
        p->answer.job_id.count == 0)
        fields_fail(root, "submit",
                    "needs webhook_field or webhook_headers; or answer.job_id, "
                    "for webhooks that are set up at the provider");
}

static void read_picture(const struct fields *root, struct profile *p)
{
    static const char *const keys[] = { "auth", NULL };
    const char **origins;
    struct fields f;
    size_t count;

    if (!fields_open(&f, root, "picture"))
        return;
    fields_only(&f, keys);
    origins = p->picture.origins = fields_texts(&f, "auth", &count);
    if (count == 1 && (strcmp(origins[0], "same-origin") == 0 ||
                       strcmp(origins[0], "never") == 0)) {
        p->picture.not_at_home = strcmp(origins[0], "never") == 0;
        return;
    }
    p->picture.origin_count = count;
    for (size_t i = 0; i < count; i++) {
        if (!fields_is_origin(origins[i]))
            fields_fail(&f, "auth",
                        "must be same-origin, never, or a list of origins like "
                        "https://host, which \"%.64s\" is not",
                        origins[i]);
    }
}

static void read_status(const struct fields *root, struct profile *p)
{
    static const char *const keys[] = { "path", "payload", NULL };
    struct fields f;

    if (!fields_open(&f, root, "status"))
        return;
    fields_only(&f, keys);
    p->status.path = fields_url_path(&f, "path");
    if (p->status.path && !strstr(p->status.path, "{id}"))
        fields_fail(
            &f, "path",
            "must contain {id}, which stands for the provider's job id");
    map_read_payload(&f, false, &p->status.payload);
    if (!p->submit.base_url || p->answer.job_id.count == 0)
        fields_fail(&f, "", "needs submit.base_url and answer.job_id");
}

/* Poller and worker keep to them; the defaults suit a service that is built for
 * it. */
static void read_limits(const struct fields *root, struct profile *p)
{
    static const char *const keys[] = { "status_per_s", "status_at_once",
                                        "submit_per_s", "submit_at_once",
                                        NULL };
    struct fields f;

    p->limits.status_per_s = 100;
    p->limits.status_at_once = 20;
    if (!fields_open(&f, root, "limits"))
        return;
    fields_only(&f, keys);
    p->limits.status_per_s =
        fields_number(&f, "status_per_s", 0.01, 10000, p->limits.status_per_s);
    p->limits.status_at_once = (unsigned)fields_number(
        &f, "status_at_once", 1, 1000, p->limits.status_at_once);
    p->limits.submit_per_s = fields_number(&f, "submit_per_s", 0.01, 10000, 0);
    p->limits.submit_at_once =
        (unsigned)fields_number(&f, "submit_at_once", 1, 1000, 0);
}

static void read_errors(const struct fields *root, struct profile *p)
{
    static const char *const keys[] = { "retryable", "permanent", NULL };
    struct fields f;

    if (!fields_open(&f, root, "errors"))
        return;
    fields_only(&f, keys);
    p->errors.retryable =
        fields_texts(&f, "retryable", &p->errors.retryable_count);
    p->errors.permanent =
        fields_texts(&f, "permanent", &p->errors.permanent_count);
}

/* The name goes into the names of settings: for a profile "file",
 * SHOTFLEET_WEBHOOK_SECRETS_FILE would mean two things. */
static bool ends_in_file(const char *name)
{
    size_t len = strlen(name);

    return len >= 4 && strcmp(name + len - 4, "file") == 0 &&
           (len == 4 || name[len - 5] == '-');
}

static void read_name(const struct fields *root, struct profile *p)
{
    p->name = fields_need_text(root, "name");
    if (!p->name)
        return;
    if (!fields_is_made_of(p->name, "abcdefghijklmnopqrstuvwxyz0123456789-"))
        fields_fail(root, "name", "\"%.64s\" must be made of a-z, 0-9 and -",
                    p->name);
    else if (ends_in_file(p->name))
        fields_fail(root, "name",
                    "\"%.64s\" must not end in \"file\": settings like "
                    "SHOTFLEET_PROVIDER_KEY_FILE have another meaning",
                    p->name);
}

int profile_from_document(struct profile *out, const char *file,
                          struct json_object *document, char *error,
                          size_t error_size)
{
    static const char *const keys[] = { "name",   "about",   "submit",
                                        "answer", "picture", "webhook",
                                        "status", "limits",  "errors",
                                        NULL };
    struct fields_report report = { file, error, error_size, false };
    struct fields root;

    *out = (struct profile){ .document = document, .file = mem_strdup(file) };
    fields_root(&root, document, &report);
    fields_only(&root, keys);
    read_name(&root, out);
    fields_text(&root, "about"); /* for people; only its type is checked */
    submit_read(&root, out);
    read_answer(&root, out);
    check_correlation(&root, out);
    read_picture(&root, out);
    webhook_read(&root, out);
    read_status(&root, out);
    read_limits(&root, out);
    read_errors(&root, out);
    if (report.failed) {
        profile_release(out);
        return -1;
    }
    return 0;
}
