#include "api/submission.h"

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/options.h"
#include "api/url.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"

struct reader {
    struct complaints *complaints; /* of the capture that is read */
    const struct submission_rules *rules;
    const char *prefix; /* "" or "captures.3." */
};

/* What PostgreSQL's jsonb cannot hold would refuse all captures of a request:
 * NUL characters and numbers without end. */
static bool is_storable(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_string:
        return strlen(json_object_get_string(value)) ==
               (size_t)json_object_get_string_len(value);
    case json_type_double:
        return isfinite(json_object_get_double(value));
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            if (!is_storable(json_object_array_get_idx(value, i)))
                return false;
        }
        return true;
    case json_type_object: {
        json_object_object_foreach(value, name, member)
        {
            (void)name;
            if (!is_storable(member))
                return false;
        }
        return true;
    }
    default:
        return true;
    }
}

static bool is_text(struct json_object *value)
{
    return json_object_is_type(value, json_type_string) &&
           strlen(json_object_get_string(value)) ==
               (size_t)json_object_get_string_len(value);
}

/* A copy, or NULL with a complaint. */
static char *read_url(struct reader *r, const char *field,
                      struct json_object *value)
{
    const char *wrong = "must be a text";

    if (is_text(value))
        wrong = url_complaint(json_object_get_string(value),
                              (size_t)json_object_get_string_len(value));
    if (!wrong)
        return mem_strdup(json_object_get_string(value));
    complain(r->complaints, field, "%s", wrong);
    return NULL;
}

static void read_callback_url(struct reader *r, struct submission *s,
                              const char *field, struct json_object *value)
{
    if (r->rules->callbacks)
        s->callback_url = read_url(r, field, value);
    else
        complain(r->complaints, field,
                 "cannot be called: callbacks are not set up here "
                 "(SHOTFLEET_CALLBACKS)");
}

static void read_provider(struct reader *r, struct submission *s,
                          const char *field, struct json_object *value)
{
    const char *name = is_text(value) ? json_object_get_string(value) : "";

    if (!r->rules->provider_known(name, r->rules->arg))
        complain(r->complaints, field,
                 "is no provider of this fleet; leave it out for the default");
    else
        s->provider = mem_strdup(name);
}

static char *plain_text(struct json_object *value)
{
    return mem_strdup(json_object_to_json_string_ext(
        value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void read_metadata(struct reader *r, struct submission *s,
                          const char *field, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_object)) {
        complain(r->complaints, field, "must be an object");
        return;
    }
    if (!is_storable(value))
        complain(r->complaints, field,
                 "has a NUL character or an endless number in it, which cannot "
                 "be stored");
    s->metadata = plain_text(value);
    if (strlen(s->metadata) > METADATA_MAX_BYTES)
        complain(r->complaints, field, "is longer than %d bytes",
                 METADATA_MAX_BYTES);
}

/* null means "not given". */
static void read_member(struct reader *r, struct submission *s,
                        struct json_object *options, const char *name,
                        struct json_object *value)
{
    char *field = mem_format("%s%.128s", r->prefix, name);

    if (strcmp(name, "url") == 0) {
        s->url = read_url(r, field, value);
    } else if (value && strcmp(name, "provider") == 0) {
        read_provider(r, s, field, value);
    } else if (value && strcmp(name, "metadata") == 0) {
        read_metadata(r, s, field, value);
    } else if (value && strcmp(name, "callbackUrl") == 0) {
        read_callback_url(r, s, field, value);
    } else if (strcmp(name, "options") == 0) {
        complain(r->complaints, field,
                 "is no option; write the options beside `url`");
    } else if (value) {
        option_check(r->complaints, field, name, value);
        if (!is_storable(value))
            complain(r->complaints, field,
                     "has a NUL character or an endless number in it");
        json_object_object_add(options, name, json_object_get(value));
    }
    free(field);
}

static void read_one(struct reader *r, struct submission *s,
                     struct json_object *root)
{
    struct json_object *options = NULL;
    char *field = NULL;

    r->complaints = &s->complaints;
    if (!json_object_is_type(root, json_type_object)) {
        field = mem_dup(r->prefix, strlen(r->prefix) - 1);
        complain(r->complaints, field, "must be an object with a `url`");
        goto out;
    }
    options = json_object_new_object();
    if (!json_object_object_get_ex(root, "url", NULL)) {
        field = mem_format("%surl", r->prefix);
        complain(r->complaints, field,
                 "is missing; give the address of a page, such as "
                 "https://example.com/");
    }
    json_object_object_foreach(root, name, value)
    {
        read_member(r, s, options, name, value);
    }
    s->options = plain_text(options);
    if (strlen(s->options) > LIMIT_OPTIONS_BYTES)
        complain(r->complaints, r->prefix,
                 "the options are longer than %d bytes", LIMIT_OPTIONS_BYTES);
    if (!s->metadata)
        s->metadata = mem_strdup("{}");
out:
    free(field);
    json_object_put(options);
}

static void read_many(struct reader *r, struct submissions *out,
                      struct json_object *root, struct complaints *c)
{
    struct json_object *list = json_object_object_get(root, "captures");
    size_t count = 0;

    if (json_object_object_length(root) > 1)
        complain(c, "captures",
                 "must stand alone; options go into each of its elements");
    if (json_object_is_type(list, json_type_array))
        count = json_object_array_length(list);
    if (count < 1 || count > SUBMISSIONS_MAX) {
        complain(c, "captures", "must be an array of 1 to %d captures",
                 SUBMISSIONS_MAX);
        return;
    }
    out->items = mem_zalloc(count * sizeof *out->items);
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        char *prefix = mem_format("captures.%zu.", i);

        r->prefix = prefix;
        read_one(r, &out->items[i], json_object_array_get_idx(list, i));
        free(prefix);
    }
}

/* All of them when none is accepted, so that somebody hears of them. */
static void count_accepted(struct submissions *s, struct complaints *c)
{
    for (size_t i = 0; i < s->count; i++)
        s->accepted += s->items[i].complaints.count == 0;
    for (size_t i = 0; s->accepted == 0 && i < s->count; i++)
        complaints_add(c, &s->items[i].complaints);
}

int submissions_parse(struct submissions *out, const char *body, size_t len,
                      const struct submission_rules *rules,
                      struct complaints *c)
{
    struct reader r = { .rules = rules, .prefix = "" };
    struct json_object *root = NULL;
    char error[128] = "";

    *out = (struct submissions){ 0 };
    root = json_parse(body, len, error, sizeof error);
    if (!root) {
        complain(c, "", "the body is not JSON: %s", error);
    } else if (!json_object_is_type(root, json_type_object)) {
        complain(c, "", "the body must be a JSON object with a `url`");
    } else if (json_object_object_get_ex(root, "captures", NULL)) {
        out->batch = true;
        read_many(&r, out, root, c);
    } else {
        out->items = mem_zalloc(sizeof *out->items);
        out->count = 1;
        read_one(&r, &out->items[0], root);
    }
    json_object_put(root);
    if (c->count == 0)
        count_accepted(out, c);
    return c->count > 0 ? -1 : 0;
}

void submissions_release(struct submissions *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->items[i].url);
        free(s->items[i].provider);
        free(s->items[i].options);
        free(s->items[i].metadata);
        free(s->items[i].callback_url);
        complaints_release(&s->items[i].complaints);
    }
    free(s->items);
    *s = (struct submissions){ 0 };
}
