#include "common/profile_webhook.h"

#include <string.h>

#include "common/profile_map.h"

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

/* Where the timestamp stands: in one place, and one that the layout has. */
static void read_timestamp_place(const struct fields *f, struct profile *p)
{
    struct signature_scheme *scheme = &p->webhook.scheme;
    bool composite = scheme->layout == SIGNATURE_COMPOSITE;
    int places = 0;

    p->webhook.timestamp_header = fields_header_name(f, "header");
    scheme->timestamp_key = fields_text(f, "key");
    if (fields_has(f, "body"))
        p->webhook.timestamp_path = fields_json_path(f, "body");
    places += p->webhook.timestamp_header != NULL;
    places += p->webhook.timestamp_path != NULL;
    places += scheme->timestamp_key != NULL;
    if (scheme->timestamp_key && !composite)
        fields_fail(f, "key", "is only for the layout \"composite\"");
    if (places != 1)
        fields_fail(f, "", "needs exactly one of %s",
                    composite ? "\"key\", \"header\", \"body\""
                              : "\"header\", \"body\"");
}

static void read_timestamp(const struct fields *auth, struct profile *p)
{
    static const char *const keys[] = { "header", "key", "body", "unit", NULL };
    static const char *const units[] = { "s", "ms", "iso8601", NULL };
    static const enum timestamp_unit values[] = { TIMESTAMP_SECONDS,
                                                  TIMESTAMP_MILLISECONDS,
                                                  TIMESTAMP_ISO8601 };
    struct fields f;

    if (!fields_open(&f, auth, "timestamp"))
        return;
    fields_only(&f, keys);
    fields_need(&f, "unit");
    p->webhook.scheme.unit = values[fields_choice(&f, "unit", units, 0)];
    read_timestamp_place(&f, p);
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
    if (strstr(scheme->template, "{id}") && p->webhook.id.count == 0)
        fields_fail(auth, "template",
                    "signs {id}: \"id\" is missing in "
                    "webhook, it says where that stands");
}

static void read_hmac(const struct fields *f, struct profile *p)
{
    static const char *const keys[] = {
        "kind",      "header",     "layout",    "prefix",
        "version",   "digest_key", "algorithm", "encoding",
        "timestamp", "template",   "key_form",  NULL,
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

/* Is what stands at `inner` part of what stands at `outer`? */
static bool is_within(const char *inner, const char *outer)
{
    size_t len = strlen(outer);

    return strncmp(inner, outer, len) == 0 &&
           (inner[len] == '\0' || inner[len] == '.');
}

static void check_not_read(const struct fields *f, const struct places *read,
                           const struct place *gone)
{
    for (size_t i = 0; i < read->count; i++) {
        if (read->items[i].kind == PLACE_BODY &&
            is_within(read->items[i].path, gone->path))
            fields_fail(f, "redact", "\"%.64s\" cannot go: it is read",
                        gone->text);
    }
}

/* What is redacted can't be read by a worker. */
static void read_redact(const struct fields *f, struct profile *p)
{
    const struct places *redact = &p->webhook.redact;

    map_read_places(f, "redact", false, &p->webhook.redact);
    for (size_t i = 0; i < redact->count; i++) {
        check_not_read(f, &p->webhook.id, &redact->items[i]);
        for (size_t k = 0; k < map_list_count(); k++)
            check_not_read(f, map_list(&p->webhook.payload, k),
                           &redact->items[i]);
    }
}

static void read_adopt(const struct fields *f, struct profile *p)
{
    const struct payload_map *payload = &p->webhook.payload;

    p->webhook.adopt = fields_bool(f, "adopt", false);
    if (p->webhook.adopt &&
        (payload->job_id.count == 0 || payload->page_url.count == 0))
        fields_fail(f, "adopt",
                    "needs payload.job_id and payload.page_url: a job has an "
                    "id and a page");
}

void webhook_read(const struct fields *root, struct profile *p)
{
    static const char *const keys[] = { "auth",    "id",     "require_token",
                                        "payload", "answer", "redact",
                                        "adopt",   NULL };
    static const char *const answers[] = { "receipt", "ok", NULL };
    struct fields f;

    fields_need(root, "webhook");
    if (!fields_open(&f, root, "webhook"))
        return;
    fields_only(&f, keys);
    map_read_places(&f, "id", true, &p->webhook.id);
    p->webhook.require_token = fields_bool(&f, "require_token", false);
    p->webhook.answer =
        (enum webhook_answer)fields_choice(&f, "answer", answers, 0);
    read_auth(&f, p);
    map_read_payload(&f, true, &p->webhook.payload);
    read_redact(&f, p);
    read_adopt(&f, p);
}
