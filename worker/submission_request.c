#include "worker/submission_request.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "worker/form.h"

/* --- the fields */

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

/* Only JSON nests: elsewhere a dot is a character like any other. */
static void put(const struct profile *profile, struct json_object *root,
                const char *path, struct json_object *value)
{
    if (profile->submit.form == SUBMIT_JSON)
        put_at(root, path, value);
    else
        json_object_object_add(root, path, value);
}

static const struct submit_option *find_option(const struct profile *profile,
                                               const char *name)
{
    for (size_t i = 0; i < profile->submit.option_count; i++) {
        if (strcmp(profile->submit.options[i].name, name) == 0)
            return &profile->submit.options[i];
    }
    return NULL;
}

static struct json_object *scaled(struct json_object *value, double scale)
{
    double number = json_object_get_double(value) * scale;

    if (number > -1e15 && number < 1e15 && number == (double)(int64_t)number)
        return json_object_new_int64((int64_t)number);
    return json_object_new_double(number);
}

static struct json_object *suffixed(struct json_object *value,
                                    const struct submit_option *o)
{
    struct json_object *number = scaled(value, o->scale);
    char *text = mem_format("%s%s", json_object_get_string(number), o->suffix);
    struct json_object *out = json_object_new_string(text);

    free(text);
    json_object_put(number);
    return out;
}

static struct json_object *joined(struct json_object *list, const char *with)
{
    char *text = mem_strdup("");
    struct json_object *out;

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        char *longer = mem_format("%s%s%s", text, i > 0 ? with : "",
                                  json_object_get_string(item));

        free(text);
        text = longer;
    }
    out = json_object_new_string(text);
    free(text);
    return out;
}

/* What the provider is told in place of the user's value; owned. */
static struct json_object *changed(const struct submit_option *o,
                                   struct json_object *value)
{
    bool number = json_object_is_type(value, json_type_int) ||
                  json_object_is_type(value, json_type_double);
    struct json_object *other = NULL;

    if (o->values && json_object_object_get_ex(
                         o->values, json_object_get_string(value), &other))
        return json_object_get(other);
    if (number && o->suffix)
        return suffixed(value, o);
    if (number && o->scale != 1)
        return scaled(value, o->scale);
    if (o->join && json_object_is_type(value, json_type_array))
        return joined(value, o->join);
    return json_object_get(value);
}

static void put_options(const struct profile *profile, struct json_object *to,
                        struct json_object *options)
{
    json_object_object_foreach(options, name, value)
    {
        const struct submit_option *o = find_option(profile, name);

        if (o)
            put(profile, to, o->field, changed(o, value));
        else if (!profile->submit.only_options)
            json_object_object_add(to, name, json_object_get(value));
    }
}

/* `text` with `mark` replaced wherever it stands; takes `text`. */
static char *fill(char *text, const char *mark, const char *with)
{
    const char *at;

    while ((at = strstr(text, mark))) {
        char *filled = mem_format("%.*s%s%s", (int)(at - text), text, with,
                                  at + strlen(mark));

        free(text);
        text = filled;
    }
    return text;
}

static void put_constants(const struct profile *profile, struct json_object *to,
                          const struct job *job)
{
    char attempt[24];

    snprintf(attempt, sizeof attempt, "%" PRId64, job->attempt);
    json_object_object_foreach(profile->submit.constants, name, value)
    {
        char *text;

        if (!json_object_is_type(value, json_type_string)) {
            put(profile, to, name, json_object_get(value));
            continue;
        }
        text =
            fill(mem_strdup(json_object_get_string(value)), "{job}", job->id);
        text = fill(text, "{attempt}", attempt);
        put(profile, to, name, json_object_new_string(text));
        free(text);
    }
}

static struct json_object *make_fields(const struct provider *p,
                                       const struct job *job,
                                       const char *webhook_url,
                                       struct json_object *options)
{
    const struct profile *profile = p->profile;
    struct json_object *fields = json_object_new_object();

    put_options(profile, fields, options);
    if (profile->submit.constants)
        put_constants(profile, fields, job);
    put(profile, fields, profile->submit.url_field,
        json_object_new_string(job->url));
    if (profile->submit.webhook_field)
        put(profile, fields, profile->submit.webhook_field,
            json_object_new_string(webhook_url));
    if (profile->submit.key_field && p->key)
        put(profile, fields, profile->submit.key_field,
            json_object_new_string(p->key));
    return fields;
}

/* --- the request */

static void add_header(struct submission_request *r, char *line)
{
    r->headers =
        mem_resize_array(r->headers, r->header_count + 2, sizeof *r->headers);
    r->headers[r->header_count++] = line;
    r->headers[r->header_count] = NULL;
}

static void send_as(struct submission_request *r, enum submit_form form,
                    struct json_object *fields)
{
    char *text = NULL;
    char *whole;

    switch (form) {
    case SUBMIT_JSON:
        add_header(r, mem_strdup("Content-Type: application/json"));
        r->body = mem_strdup(json_object_to_json_string_ext(
            fields, JSON_C_TO_STRING_NOSLASHESCAPE));
        break;
    case SUBMIT_FORM:
        add_header(
            r, mem_strdup("Content-Type: application/x-www-form-urlencoded"));
        r->body = form_urlencode(fields);
        break;
    case SUBMIT_MULTIPART:
        r->body = form_multipart(fields, &text);
        add_header(r, mem_format("Content-Type: %s", text));
        free(text);
        break;
    case SUBMIT_QUERY:
        text = form_urlencode(fields);
        whole =
            mem_format("%s%c%s", r->url, strchr(r->url, '?') ? '&' : '?', text);
        free(text);
        free(r->url);
        r->url = whole;
        break;
    }
}

static void add_headers(struct submission_request *r,
                        const struct profile *profile, const struct job *job,
                        const char *webhook_url)
{
    if (profile->submit.idempotency_header)
        add_header(r, mem_format("%s: %s-%" PRId64,
                                 profile->submit.idempotency_header, job->id,
                                 job->attempt));
    for (size_t i = 0; i < profile->submit.webhook_header_count; i++)
        add_header(r, mem_format("%s: %s", profile->submit.webhook_headers[i],
                                 webhook_url));
}

int submission_request_init(struct submission_request *r,
                            const struct provider *p, const struct job *job,
                            const char *webhook_url, char *error,
                            size_t error_size)
{
    const struct profile *profile = p->profile;
    struct json_object *options =
        json_parse(job->options, strlen(job->options), error, error_size);
    struct json_object *fields;

    *r = (struct submission_request){ .url = provider_url(
                                          p, profile->submit.path, NULL) };
    if (!options || !json_object_is_type(options, json_type_object)) {
        json_object_put(options);
        return -1;
    }
    fields = make_fields(p, job, webhook_url, options);
    send_as(r, profile->submit.form, fields);
    add_headers(r, profile, job, webhook_url);
    json_object_put(fields);
    json_object_put(options);
    return 0;
}

void submission_request_release(struct submission_request *r)
{
    free(r->url);
    if (r->body)
        explicit_bzero(r->body, strlen(r->body));
    free(r->body);
    for (size_t i = 0; i < r->header_count; i++)
        free(r->headers[i]);
    free(r->headers);
}
