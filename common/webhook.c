#include "common/webhook.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/image.h"
#include "common/json.h"
#include "common/json_grammar.h"
#include "common/limits.h"
#include "common/token.h"

/* Of a delivery; those of providers are far shorter. */
enum { ID_MAX_BYTES = 256 };

/* looking things up */

/* Of two values nobody knows which one is meant. */
static const char *once(webhook_lookup *lookup, const void *arg,
                        const char *name)
{
    unsigned count = 0;
    const char *value = lookup(arg, name, &count);

    return count == 1 ? value : NULL;
}

/* A text, or a number as text. */
static const char *scalar_at(struct json_object *document, const char *path)
{
    struct json_object *value = json_at(document, path);

    if (json_object_is_type(value, json_type_int))
        return json_object_get_string(value);
    return json_text(value, "");
}

const char *webhook_outside(const struct webhook_request *r,
                            const struct place *place)
{
    if (place->kind == PLACE_HEADER)
        return once(r->header, r->arg, place->path);
    if (place->kind == PLACE_QUERY)
        return once(r->query, r->arg, place->path);
    return NULL;
}

static const char *at_places(const struct webhook *w,
                             const struct webhook_request *r,
                             const struct places *places)
{
    const char *text = NULL;

    for (size_t i = 0; i < places->count && !text; i++) {
        const struct place *place = &places->items[i];

        text = place->kind == PLACE_BODY ? scalar_at(w->document, place->path)
                                         : webhook_outside(r, place);
    }
    return text;
}

static bool any_in_body(const struct places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        if (places->items[i].kind == PLACE_BODY)
            return true;
    }
    return false;
}

static void explain(struct webhook *w, const char *text)
{
    snprintf(w->detail, sizeof w->detail, "%s", text);
}

/* signature and timestamp */

static enum webhook_verdict of_signature(enum signature_verdict v)
{
    switch (v) {
    case SIGNATURE_FINE:
        return WEBHOOK_FINE;
    case SIGNATURE_MISSING:
    case SIGNATURE_MALFORMED:
    case SIGNATURE_WRONG:
        return WEBHOOK_BAD_SIGNATURE;
    default:
        return WEBHOOK_BAD_TIMESTAMP;
    }
}

/* The only look into a body that nobody has vouched for yet: where it says
 * itself when or under which id it was signed. */
static void parse_early(struct webhook *w, const struct profile *p,
                        const struct webhook_request *r)
{
    if ((p->webhook.timestamp_path || any_in_body(&p->webhook.id)) &&
        !payload_is_picture(&p->webhook.payload, w->type))
        w->document =
            json_parse(r->body, r->body_len, w->detail, sizeof w->detail);
}

struct signature_input webhook_signature_input(const struct profile *p,
                                               const struct webhook *w,
                                               const struct webhook_request *r,
                                               unsigned *signatures)
{
    struct signature_input input = { .id = w->id,
                                     .body = r->body,
                                     .body_len = r->body_len };

    input.signature =
        r->header(r->arg, p->webhook.signature_header, signatures);
    if (p->webhook.timestamp_header)
        input.timestamp = once(r->header, r->arg, p->webhook.timestamp_header);
    else if (p->webhook.timestamp_path)
        input.timestamp = scalar_at(w->document, p->webhook.timestamp_path);
    return input;
}

static enum webhook_verdict judge_hmac(struct webhook *w,
                                       const struct webhook_terms *t,
                                       const struct webhook_request *r)
{
    const struct profile *p = t->profile;
    unsigned count = 0;
    const struct signature_input input =
        webhook_signature_input(p, w, r, &count);

    if (count > 1) {
        w->signature = SIGNATURE_MALFORMED;
        explain(w, "repeated-signature");
        return WEBHOOK_BAD_SIGNATURE;
    }
    w->signature =
        signature_verify(&p->webhook.scheme, t->secrets, &input, t->now_ms,
                         t->max_age_ms, t->max_future_ms, &w->key);
    if (w->signature != SIGNATURE_FINE)
        explain(w, signature_verdict_name(w->signature));
    return of_signature(w->signature);
}

static enum webhook_verdict judge_static_header(struct webhook *w,
                                                const struct webhook_terms *t,
                                                const struct webhook_request *r)
{
    unsigned count = 0;
    const char *value =
        r->header(r->arg, t->profile->webhook.static_header, &count);
    bool found = false;

    if (count != 1) {
        explain(w, count == 0 ? "missing-header" : "repeated-header");
        return WEBHOOK_BAD_SIGNATURE;
    }
    for (size_t i = 0; i < t->secrets->count && !found; i++) {
        const struct secret *key = &t->secrets->items[i];

        found = equal_constant_time(value, strlen(value), key->ptr, key->len);
        w->key = i;
    }
    if (!found)
        explain(w, "wrong-header");
    return found ? WEBHOOK_FINE : WEBHOOK_BAD_SIGNATURE;
}

static enum webhook_verdict judge_sender(struct webhook *w,
                                         const struct webhook_terms *t,
                                         const struct webhook_request *r)
{
    if (t->profile->webhook.auth == WEBHOOK_URL_TOKEN)
        return WEBHOOK_FINE; /* judged by its token */
    if (t->secrets->count == 0)
        return WEBHOOK_NO_SECRET;
    if (t->profile->webhook.auth == WEBHOOK_STATIC_HEADER)
        return judge_static_header(w, t, r);
    return judge_hmac(w, t, r);
}

/* what the URL says */

static bool is_attempt(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 6 && text[digits] == '\0' && text[0] != '0';
}

static enum webhook_verdict judge_query(struct webhook *w,
                                        const struct webhook_terms *t,
                                        const struct webhook_request *r)
{
    unsigned jobs = 0, attempts = 0, tokens = 0;
    const char *token = r->query(r->arg, "token", &tokens);
    const char *problem = NULL;

    w->job = r->query(r->arg, "jobId", &jobs);
    w->attempt = r->query(r->arg, "attempt", &attempts);
    if (jobs > 1 || attempts > 1 || tokens > 1)
        problem = "repeated-parameter";
    else if (w->job && !uuid_is_valid(w->job))
        problem = "job-is-no-uuid";
    else if (w->attempt && !is_attempt(w->attempt))
        problem = "attempt-is-no-number";
    if (problem) {
        explain(w, problem);
        return WEBHOOK_BAD_QUERY;
    }
    if (!token && !t->profile->webhook.require_token)
        return WEBHOOK_FINE;
    if (!token || !w->job || !w->attempt)
        problem = "missing-token";
    else if (!token_check(t->token_keys, w->job, strtoll(w->attempt, NULL, 10),
                          token))
        problem = "wrong-token";
    if (problem)
        explain(w, problem);
    return problem ? WEBHOOK_BAD_TOKEN : WEBHOOK_FINE;
}

/* body */

static bool is_object(struct webhook *w, const struct webhook_request *r)
{
    size_t offset = 0;
    const char *problem =
        json_grammar_check(r->body, r->body_len, LIMIT_JSON_DEPTH, &offset);
    size_t blanks = 0;

    if (problem) {
        snprintf(w->detail, sizeof w->detail, "%s at byte %zu", problem,
                 offset);
        return false;
    }
    while (strchr(" \t\r\n", r->body[blanks]))
        blanks++; /* a value follows */
    if (r->body[blanks] == '{')
        return true;
    explain(w, "not a JSON object");
    return false;
}

/* Does ingest have to look into it? */
static bool needs_document(const struct profile *p)
{
    return p->webhook.redact.count > 0 ||
           any_in_body(&p->webhook.payload.own_job_id);
}

static enum webhook_verdict judge_body(struct webhook *w,
                                       const struct profile *p,
                                       const struct webhook_request *r)
{
    struct image image;

    if (payload_is_picture(&p->webhook.payload, w->type)) {
        if (image_read(&image, r->body, r->body_len) == 0)
            return WEBHOOK_FINE;
        explain(w, "neither JSON nor PNG, JPEG, WebP or PDF");
        return WEBHOOK_BAD_BODY;
    }
    if (!is_object(w, r))
        return WEBHOOK_BAD_BODY;
    if (w->document || !needs_document(p))
        return WEBHOOK_FINE;
    w->document = json_parse(r->body, r->body_len, w->detail, sizeof w->detail);
    return w->document ? WEBHOOK_FINE : WEBHOOK_BAD_BODY;
}

/* The provider's own ids are none of this: they are read by workers. */
static enum webhook_verdict judge_job(struct webhook *w,
                                      const struct profile *p,
                                      const struct webhook_request *r)
{
    const char *own = at_places(w, r, &p->webhook.payload.own_job_id);

    if (!own || !uuid_is_valid(own))
        return WEBHOOK_FINE;
    if (!w->job)
        w->job = own;
    if (strcasecmp(w->job, own) == 0)
        return WEBHOOK_FINE;
    explain(w, "URL and payload name different jobs");
    return WEBHOOK_BAD_JOB;
}

enum webhook_verdict webhook_judge(struct webhook *out,
                                   const struct webhook_terms *terms,
                                   const struct webhook_request *r)
{
    const struct profile *p = terms->profile;
    enum webhook_verdict verdict = WEBHOOK_FINE;

    *out = (struct webhook){ .type = once(r->header, r->arg, "Content-Type") };
    parse_early(out, p, r);
    out->id = at_places(out, r, &p->webhook.id);
    out->detail[0] = '\0';
    verdict = judge_sender(out, terms, r);
    if (verdict == WEBHOOK_FINE)
        verdict = judge_query(out, terms, r);
    if (verdict == WEBHOOK_FINE)
        verdict = judge_body(out, p, r);
    if (verdict == WEBHOOK_FINE)
        verdict = judge_job(out, p, r);
    if (out->id && strlen(out->id) > ID_MAX_BYTES)
        out->id = NULL;
    return verdict;
}

void webhook_release(struct webhook *w)
{
    json_object_put(w->document); /* accepts NULL */
    *w = (struct webhook){ 0 };
}
