#include "ingest/admission.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/token.h"
#include "ingest/client_address.h"

static const struct {
    unsigned status;
    const char *label;
    const char *text;
} refusals[] = {
    [ADMITTED] = { 200, "accepted", "accepted" },
    [REFUSED_FORWARDED] = { 400, "forwarded",
                            "malformed Forwarded or X-Forwarded-For" },
    [REFUSED_ADDRESS] = { 403, "address", "address not allowed" },
    [REFUSED_PATH] = { 404, "path", "no such webhook" },
    [REFUSED_METHOD] = { 405, "method", "webhooks are sent with POST" },
    [REFUSED_NO_SECRET] = { 401, "no_secret", "webhooks are not set up" },
    [REFUSED_SIGNATURE] = { 401, "signature", "invalid signature" },
    [REFUSED_TIMESTAMP] = { 401, "timestamp", "invalid timestamp" },
    [REFUSED_TOKEN] = { 401, "token", "invalid token" },
    [REFUSED_QUERY] = { 400, "query", "malformed jobId or attempt" },
    [REFUSED_BODY] = { 400, "body", "the body is not a JSON object" },
};

unsigned refusal_status(enum refusal r)
{
    return refusals[r].status;
}

const char *refusal_text(enum refusal r)
{
    return refusals[r].text;
}

const char *refusal_label(enum refusal r)
{
    return refusals[r].label;
}

/* Two lines are few already; a proxy that sends more is out of order. */
enum { FORWARDED_LINES_MAX = 16 };

static enum refusal judge_address(const struct gate *g,
                                  const struct http_request *r,
                                  struct admitted *out, const char **detail)
{
    const char *x_lines[FORWARDED_LINES_MAX], *lines[FORWARDED_LINES_MAX];
    struct header_lines x_forwarded_for = { x_lines, 0 };
    struct header_lines forwarded = { lines, 0 };
    struct sockaddr_storage client;

    address_format(http_peer(r), out->ip);
    if (ranges_contain(&g->trusted_proxies, http_peer(r))) {
        x_forwarded_for.count = http_header_lines(r, "X-Forwarded-For", x_lines,
                                                  FORWARDED_LINES_MAX);
        forwarded.count =
            http_header_lines(r, "Forwarded", lines, FORWARDED_LINES_MAX);
    }
    *detail = x_forwarded_for.count > FORWARDED_LINES_MAX ||
                      forwarded.count > FORWARDED_LINES_MAX
                  ? "too many lines"
                  : client_address(&g->trusted_proxies, http_peer(r),
                                   &x_forwarded_for, &forwarded, &client);
    if (*detail)
        return REFUSED_FORWARDED;
    address_format((const struct sockaddr *)&client, out->ip);
    if (g->allowed.count > 0 &&
        !ranges_contain(&g->allowed, (const struct sockaddr *)&client))
        return REFUSED_ADDRESS;
    return ADMITTED;
}

static enum refusal judge_path(const struct gate *g,
                               const struct http_request *r,
                               struct admitted *out)
{
    static const char prefix[] = "/webhooks/";
    const char *path = http_path(r);
    const char *name = NULL;

    if (strcmp(path, "/api/webhooks/screenshot") == 0)
        name = "screenshotly";
    else if (strncmp(path, prefix, sizeof prefix - 1) == 0)
        name = path + sizeof prefix - 1;
    out->profile = name ? profiles_find(&g->profiles, name) : NULL;
    if (!out->profile)
        return REFUSED_PATH;
    return strcmp(http_method(r), "POST") == 0 ? ADMITTED : REFUSED_METHOD;
}

static enum refusal of_verdict(enum signature_verdict v)
{
    switch (v) {
    case SIGNATURE_FINE:
        return ADMITTED;
    case SIGNATURE_MISSING:
    case SIGNATURE_MALFORMED:
    case SIGNATURE_WRONG:
        return REFUSED_SIGNATURE;
    default:
        return REFUSED_TIMESTAMP;
    }
}

static enum refusal judge_hmac(const struct gate *g,
                               const struct http_request *r,
                               const struct profile *p, const char **detail)
{
    struct signature_input input = { 0 };
    enum signature_verdict verdict;

    /* which of two would the sender have meant? */
    if (http_header_count(r, p->webhook.signature_header) > 1) {
        *detail = "repeated signature header";
        return REFUSED_SIGNATURE;
    }
    input.signature = http_header(r, p->webhook.signature_header);
    if (p->webhook.timestamp_header)
        input.timestamp = http_header(r, p->webhook.timestamp_header);
    if (p->webhook.id_header)
        input.id = http_header(r, p->webhook.id_header);
    input.body = http_body(r, &input.body_len);
    verdict = signature_verify(&p->webhook.scheme, gate_secrets(g, p), &input,
                               clock_wall_ms(), g->max_age_ms, g->max_future_ms,
                               NULL);
    *detail = signature_verdict_name(verdict);
    return of_verdict(verdict);
}

static enum refusal judge_static_header(const struct gate *g,
                                        const struct http_request *r,
                                        const struct profile *p)
{
    const struct secrets *keys = gate_secrets(g, p);
    const char *value = http_header(r, p->webhook.static_header);
    bool found = false;

    for (size_t i = 0; value && i < keys->count; i++)
        found |= equal_constant_time(value, strlen(value), keys->items[i].ptr,
                                     keys->items[i].len);
    return found ? ADMITTED : REFUSED_SIGNATURE;
}

static enum refusal judge_signature(const struct gate *g,
                                    const struct http_request *r,
                                    const struct profile *p,
                                    const char **detail)
{
    if (p->webhook.auth == WEBHOOK_URL_TOKEN)
        return ADMITTED; /* judged by its token */
    if (gate_secrets(g, p)->count == 0)
        return REFUSED_NO_SECRET;
    if (p->webhook.auth == WEBHOOK_STATIC_HEADER)
        return judge_static_header(g, r, p);
    return judge_hmac(g, r, p, detail);
}

static bool is_attempt(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 6 && text[digits] == '\0' && text[0] != '0';
}

static enum refusal judge_query(const struct gate *g,
                                const struct http_request *r,
                                struct admitted *out)
{
    const char *token = http_query(r, "token");
    bool required = out->profile->webhook.require_token ||
                    out->profile->webhook.auth == WEBHOOK_URL_TOKEN;

    out->job = http_query(r, "jobId");
    out->attempt = http_query(r, "attempt");
    if (http_query_count(r, "jobId") > 1 ||
        http_query_count(r, "attempt") > 1 ||
        http_query_count(r, "token") > 1 ||
        (out->job && !uuid_is_valid(out->job)) ||
        (out->attempt && !is_attempt(out->attempt)))
        return REFUSED_QUERY;
    if (!token)
        return required ? REFUSED_TOKEN : ADMITTED;
    if (!out->job || !out->attempt ||
        !token_check(&g->token_keys, out->job, strtoll(out->attempt, NULL, 10),
                     token))
        return REFUSED_TOKEN;
    return ADMITTED;
}

static enum refusal judge_body(const struct http_request *r,
                               char detail[REFUSAL_DETAIL_SIZE])
{
    size_t len = 0;
    const char *body = http_body(r, &len);
    struct json_object *root =
        json_parse(body, len, detail, REFUSAL_DETAIL_SIZE);
    bool object = root && json_object_is_type(root, json_type_object);

    json_object_put(root);
    return object ? ADMITTED : REFUSED_BODY;
}

enum refusal admit(const struct gate *g, const struct http_request *r,
                   struct admitted *out, char detail[REFUSAL_DETAIL_SIZE])
{
    enum refusal refusal;
    const char *why = NULL;

    *out = (struct admitted){ 0 };
    *detail = '\0';
    refusal = judge_address(g, r, out, &why);
    if (refusal == ADMITTED)
        refusal = judge_path(g, r, out);
    if (refusal == ADMITTED)
        refusal = judge_signature(g, r, out->profile, &why);
    if (refusal == ADMITTED)
        refusal = judge_query(g, r, out);
    if (refusal == ADMITTED)
        refusal = judge_body(r, detail);
    if (refusal == ADMITTED && out->profile->webhook.id_header)
        out->id = http_header(r, out->profile->webhook.id_header);
    if (why)
        snprintf(detail, REFUSAL_DETAIL_SIZE, "%s", why);
    return refusal;
}
