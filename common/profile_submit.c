#include "common/profile_submit.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

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

/* A key in a header, where status requests have it too, or in a field. */
static void read_auth(const struct fields *submit, struct profile *p)
{
    static const char *const keys[] = { "header", "value", "field", NULL };
    struct fields f;

    if (!fields_open(&f, submit, "auth"))
        return;
    fields_only(&f, keys);
    if (fields_has(&f, "field")) {
        p->submit.key_field = fields_json_path(&f, "field");
        if (fields_has(&f, "header") || fields_has(&f, "value"))
            fields_fail(&f, "field", "goes without header and value");
        return;
    }
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

/* "fullPage": "full_page", or an object that also changes the value. */
static void read_option(const struct fields *options, const char *name,
                        struct submit_option *out)
{
    static const char *const keys[] = { "field",  "scale",  "join",
                                        "suffix", "values", NULL };
    struct json_object *value = NULL;
    struct fields f;

    *out = (struct submit_option){ .name = name, .scale = 1 };
    json_object_object_get_ex(options->object, name, &value);
    if (json_object_is_type(value, json_type_string)) {
        out->field = fields_json_path(options, name);
        return;
    }
    if (!fields_open(&f, options, name))
        return;
    fields_only(&f, keys);
    out->field = fields_json_path(&f, "field");
    out->scale = fields_number(&f, "scale", 1e-6, 1e6, 1);
    out->join = fields_text(&f, "join");
    out->suffix = fields_text(&f, "suffix");
    if (fields_has(&f, "values")) {
        struct fields values;

        if (fields_open(&values, &f, "values"))
            out->values = values.object;
    }
}

static void read_options(const struct fields *submit, struct profile *p)
{
    struct fields f;

    if (!fields_open(&f, submit, "options"))
        return;
    p->submit.options =
        mem_zalloc((size_t)(json_object_object_length(f.object) + 1) *
                   sizeof *p->submit.options);
    json_object_object_foreach(f.object, name, value)
    {
        if (value)
            read_option(&f, name, &p->submit.options[p->submit.option_count++]);
    }
}

static void read_accepted(const struct fields *submit, struct profile *p)
{
    struct json_object *list = NULL;

    if (!fields_has(submit, "accepted"))
        return;
    json_object_object_get_ex(submit->object, "accepted", &list);
    if (!json_object_is_type(list, json_type_array) ||
        json_object_array_length(list) == 0) {
        fields_fail(submit, "accepted", "must be a list of status codes");
        return;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *code = json_object_array_get_idx(list, i);
        int64_t status = json_object_get_int64(code);

        if (!json_object_is_type(code, json_type_int) || status < 200 ||
            status > 399 || i == ARRAY_LEN(p->submit.accepted) - 1) {
            fields_fail(submit, "accepted",
                        "must be up to %zu numbers from 200 to 399",
                        ARRAY_LEN(p->submit.accepted) - 1);
            return;
        }
        p->submit.accepted[i] = (unsigned)status;
    }
}

/* In a field, in headers, in both; or in neither, see read_answer(). */
static void read_webhook(const struct fields *submit, struct profile *p)
{
    if (fields_has(submit, "webhook_field"))
        p->submit.webhook_field = fields_json_path(submit, "webhook_field");
    p->submit.webhook_headers = fields_header_names(
        submit, "webhook_headers", &p->submit.webhook_header_count);
}

static void read_idempotency(const struct fields *submit, struct profile *p)
{
    if (fields_has(submit, "idempotency_header"))
        p->submit.idempotency_header =
            fields_header_name(submit, "idempotency_header");
}

void submit_read(const struct fields *root, struct profile *p)
{
    static const char *const keys[] = { "base_url",
                                        "method",
                                        "path",
                                        "auth",
                                        "form",
                                        "url_field",
                                        "webhook_field",
                                        "webhook_headers",
                                        "options",
                                        "only_options",
                                        "constants",
                                        "accepted",
                                        "idempotency_header",
                                        NULL };
    static const char *const methods[] = { "POST", "PUT", "PATCH", "GET",
                                           NULL };
    static const char *const forms[] = { "json", "form", "query", "multipart",
                                         NULL };
    struct fields f;
    struct fields constants;

    if (!fields_open(&f, root, "submit"))
        return;
    fields_only(&f, keys);
    read_base_url(&f, p);
    p->submit.form = (enum submit_form)fields_choice(&f, "form", forms, 0);
    p->submit.method = methods[fields_choice(
        &f, "method", methods, p->submit.form == SUBMIT_QUERY ? 3 : 0)];
    if (strcmp(p->submit.method, "GET") == 0 && p->submit.form != SUBMIT_QUERY)
        fields_fail(&f, "method", "GET is for the form \"query\"");
    p->submit.path = fields_url_path(&f, "path");
    read_auth(&f, p);
    p->submit.url_field = fields_json_path(&f, "url_field");
    read_webhook(&f, p);
    read_options(&f, p);
    p->submit.only_options = fields_bool(&f, "only_options", false);
    if (fields_open(&constants, &f, "constants"))
        p->submit.constants = constants.object;
    read_accepted(&f, p);
    read_idempotency(&f, p);
}

void submit_release(struct profile *p)
{
    free(p->submit.options);
    free(p->submit.webhook_headers);
}
