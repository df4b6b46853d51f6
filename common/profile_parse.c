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

/* webhook */

/* A text that one layout needs and the others have no use for. */
static const char *text_of_layout(const struct fields *f, const char *name,
                                  bool wanted, const char *layout)
{
    if (wanted)
        return fields_need_text(f, name);
    if (fields_has(f, name))
        fields_fail(f, name, "is only for the layout \"%s\"", layout);
    return NULL;
}

static void read_timestamp(const struct fields *auth, struct profile *p)
{
    static const char *const keys[] = { "header", "key", "unit", NULL };
    static const char *const units[] = { "s", "ms", "iso8601", NULL };
    static const enum timestamp_unit values[] = { TIMESTAMP_SECONDS,
                                                  TIMESTAMP_MILLISECONDS,
                                                  TIMESTAMP_ISO8601 };
    struct signature_scheme *scheme = &p->webhook.scheme;
    bool composite = scheme->layout == SIGNATURE_COMPOSITE;
    struct fields f;

    if (!fields_open(&f, auth, "timestamp"))
        return;
    fields_only(&f, keys);
    fields_need(&f, "unit");
    scheme->unit = values[fields_choice(&f, "unit", units, 0)];
    p->webhook.timestamp_header = fields_header_name(&f, "header");
    scheme->timestamp_key = fields_text(&f, "key");
    if (scheme->timestamp_key && !composite)
        fields_fail(&f, "key", "is only for the layout \"composite\"");
    if (!scheme->timestamp_key == !p->webhook.timestamp_header)
        fields_fail(&f, "", "needs %s",
                    composite ? "either \"key\" or \"header\"" : "\"header\"");
}

static void read_template(const struct fields *auth, struct profile *p)
{
    struct signature_scheme *scheme = &p->webhook.scheme;
    char reason[256];

    scheme->template = fields_need_text(auth, "template");
    if (!scheme->template)
        return;
    if (signature_template_check(scheme->template, reason, sizeof reason) != 0)
        fields_fail(auth, "template", "%s", reason);
    if (strstr(scheme->template, "{timestamp}") &&
        scheme->unit == TIMESTAMP_NONE)
        fields_fail(auth, "timestamp", "is missing; the template signs it");
    if (strstr(scheme->template, "{id}") && !p->webhook.id_header)
        fields_fail(auth, "id_header", "is missing; the template signs it");
}

static void read_hmac(const struct fields *f, struct profile *p)
{
    static const char *const keys[] = {
        "kind",       "header",    "layout",   "prefix",    "version",
        "digest_key", "algorithm", "encoding", "timestamp", "id_header",
        "template",   "key_form",  NULL,
    };
    static const char *const layouts[] = { "plain", "prefix", "composite",
                                           "list", NULL };
    static const char *const algorithms[] = { "sha256", "sha512", "sha1",
                                              NULL };
    static const char *const encodings[] = { "hex", "base64", NULL };
    static const char *const key_forms[] = { "raw", "whsec", NULL };
    struct signature_scheme *s = &p->webhook.scheme;
    const char *prefix = NULL;
    const char *version = NULL;

    fields_only(f, keys);
    fields_need(f, "header");
    fields_need(f, "layout");
    p->webhook.signature_header = fields_header_name(f, "header");
    p->webhook.id_header = fields_header_name(f, "id_header");
    p->webhook.decode_whsec = fields_choice(f, "key_form", key_forms, 0) == 1;
    s->layout = (enum signature_layout)fields_choice(f, "layout", layouts, 0);
    s->algorithm =
        (enum signature_algorithm)fields_choice(f, "algorithm", algorithms, 0);
    s->encoding =
        (enum signature_encoding)fields_choice(f, "encoding", encodings, 0);
    prefix =
        text_of_layout(f, "prefix", s->layout == SIGNATURE_PREFIX, "prefix");
    version = text_of_layout(f, "version", s->layout == SIGNATURE_LIST, "list");
    s->prefix = prefix ? prefix : version;
    s->key_name = text_of_layout(f, "digest_key",
                                 s->layout == SIGNATURE_COMPOSITE, "composite");
    read_timestamp(f, p);
    read_template(f, p);
}

static void read_auth(const struct fields *webhook, struct profile *p)
{
    static const char *const kinds[] = { "hmac", "static-header", "url-token",
                                         NULL };
    static const char *const static_keys[] = { "kind", "header", NULL };
    static const char *const token_keys[] = { "kind", NULL };
    struct fields f;

    fields_need(webhook, "auth");
    if (!fields_open(&f, webhook, "auth"))
        return;
    fields_need(&f, "kind");
    p->webhook.auth = (enum webhook_auth)fields_choice(&f, "kind", kinds, 0);
    switch (p->webhook.auth) {
    case WEBHOOK_HMAC:
        read_hmac(&f, p);
        break;
    case WEBHOOK_STATIC_HEADER:
        fields_only(&f, static_keys);
        fields_need(&f, "header");
        p->webhook.static_header = fields_header_name(&f, "header");
        break;
    case WEBHOOK_URL_TOKEN:
        fields_only(&f, token_keys);
        p->webhook.require_token = true;
        break;
    }
}

static void read_webhook(const struct fields *root, struct profile *p)
{
    static const char *const keys[] = { "auth", "require_token", "payload",
                                        NULL };
    struct fields f;

    fields_need(root, "webhook");
    if (!fields_open(&f, root, "webhook"))
        return;
    fields_only(&f, keys);
    p->webhook.require_token = fields_bool(&f, "require_token", false);
    read_auth(&f, p);
    map_read_payload(&f, &p->webhook.payload);
}

/* submit, answer, status, errors */

static void read_base_url(const struct fields *f, struct profile *p)
{
    const char *url = fields_need_text(f, "base_url");
    const char *host = NULL;

    p->submit.base_url = url;
    if (!url)
        return;
    if (strncmp(url, "http://", 7) == 0)
        host = url + 7;
    else if (strncmp(url, "https://", 8) == 0)
        host = url + 8;
    if (!host || !*host || *host == '/' || strpbrk(url, " \t?#@") ||
        fields_has_control(url))
        fields_fail(f, "base_url", "must be like https://host/path");
    else if (url[strlen(url) - 1] == '/')
        fields_fail(f, "base_url", "must not end with /");
}

static void read_submit_auth(const struct fields *submit, struct profile *p)
{
    static const char *const keys[] = { "header", "value", NULL };
    struct fields f;

    if (!fields_open(&f, submit, "auth"))
        return;
    fields_only(&f, keys);
    fields_need(&f, "header");
    p->submit.auth_header = fields_header_name(&f, "header");
    p->submit.auth_value = fields_need_text(&f, "value");
    if (p->submit.auth_value && (!strstr(p->submit.auth_value, "{key}") ||
                                 fields_has_control(p->submit.auth_value)))
        fields_fail(
            &f, "value",
            "must contain {key}, which stands for "
            "SHOTFLEET_PROVIDER_KEY; a key itself does not belong here");
}

static void read_submit(const struct fields *root, struct profile *p)
{
    static const char *const keys[] = {
        "base_url",  "method",        "path",      "auth",
        "url_field", "webhook_field", "constants", NULL,
    };
    static const char *const methods[] = { "POST", "PUT", "PATCH", NULL };
    struct fields f;
    struct fields constants;

    if (!fields_open(&f, root, "submit"))
        return;
    fields_only(&f, keys);
    read_base_url(&f, p);
    p->submit.method = methods[fields_choice(&f, "method", methods, 0)];
    p->submit.path = fields_url_path(&f, "path");
    read_submit_auth(&f, p);
    p->submit.url_field = fields_json_path(&f, "url_field");
    p->submit.webhook_field = fields_json_path(&f, "webhook_field");
    if (fields_open(&constants, &f, "constants"))
        p->submit.constants = constants.object;
}

static void read_answer(const struct fields *root, struct profile *p)
{
    static const char *const keys[] = { "job_id", NULL };
    struct fields f;

    if (!fields_open(&f, root, "answer"))
        return;
    fields_only(&f, keys);
    map_read_places(&f, "job_id", &p->answer.job_id);
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
    map_read_payload(&f, &p->status.payload);
    if (!p->submit.base_url || p->answer.job_id.count == 0)
        fields_fail(&f, "", "needs submit.base_url and answer.job_id");
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
    static const char *const keys[] = { "name",    "about",  "submit", "answer",
                                        "webhook", "status", "errors", NULL };
    struct fields_report report = { file, error, error_size, false };
    struct fields root;

    *out = (struct profile){ .document = document, .file = mem_strdup(file) };
    fields_root(&root, document, &report);
    fields_only(&root, keys);
    read_name(&root, out);
    fields_text(&root, "about"); /* for people; only its type is checked */
    read_submit(&root, out);
    read_answer(&root, out);
    read_webhook(&root, out);
    read_status(&root, out);
    read_errors(&root, out);
    if (report.failed) {
        profile_release(out);
        return -1;
    }
    return 0;
}
