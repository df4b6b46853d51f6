#include "ingest/admission.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "ingest/client_address.h"

/* Some hundred HMACs over more than this would hold up everybody else. */
enum { DIAGNOSED_BODY_MAX_BYTES = 16 * 1024 };

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
    [REFUSED_BODY] = { 400, "body", "malformed body" },
    [REFUSED_JOB] = { 400, "job", "the URL and the body name different jobs" },
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

bool refusal_is_authentic(enum refusal r)
{
    return r == REFUSED_BODY || r == REFUSED_JOB;
}

/* Two lines are few already; a proxy that sends more is out of order. */
enum { FORWARDED_LINES_MAX = 16 };

static enum refusal judge_address(const struct gate *g,
                                  const struct http_request *r,
                                  struct admitted *out)
{
    const char *x_lines[FORWARDED_LINES_MAX], *lines[FORWARDED_LINES_MAX];
    struct header_lines x_forwarded_for = { x_lines, 0 };
    struct header_lines forwarded = { lines, 0 };
    struct sockaddr_storage client;

    if (ranges_contain(&g->trusted_proxies, http_peer(r))) {
        x_forwarded_for.count = http_header_lines(r, "X-Forwarded-For", x_lines,
                                                  FORWARDED_LINES_MAX);
        forwarded.count =
            http_header_lines(r, "Forwarded", lines, FORWARDED_LINES_MAX);
    }
    out->detail = x_forwarded_for.count > FORWARDED_LINES_MAX ||
                          forwarded.count > FORWARDED_LINES_MAX
                      ? "too many lines"
                      : client_address(&g->trusted_proxies, http_peer(r),
                                       &x_forwarded_for, &forwarded, &client);
    if (out->detail) {
        address_format(http_peer(r), out->ip);
        return REFUSED_FORWARDED;
    }
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

static const char *header_of(const void *arg, const char *name, unsigned *count)
{
    return http_header_and_count(arg, name, count);
}

static const char *parameter_of(const void *arg, const char *name,
                                unsigned *count)
{
    return http_query_and_count(arg, name, count);
}

static enum refusal of_verdict(enum webhook_verdict v)
{
    static const enum refusal map[] = {
        [WEBHOOK_FINE] = ADMITTED,
        [WEBHOOK_NO_SECRET] = REFUSED_NO_SECRET,
        [WEBHOOK_BAD_SIGNATURE] = REFUSED_SIGNATURE,
        [WEBHOOK_BAD_TIMESTAMP] = REFUSED_TIMESTAMP,
        [WEBHOOK_BAD_QUERY] = REFUSED_QUERY,
        [WEBHOOK_BAD_TOKEN] = REFUSED_TOKEN,
        [WEBHOOK_BAD_BODY] = REFUSED_BODY,
        [WEBHOOK_BAD_JOB] = REFUSED_JOB,
    };

    return map[v];
}

static struct webhook_terms terms_of(const struct gate *g,
                                     const struct admitted *a)
{
    return (struct webhook_terms){
        .profile = a->profile,
        .secrets = gate_secrets(g, a->profile),
        .token_keys = &g->token_keys,
        .now_ms = a->now_ms,
        .max_age_ms = g->max_age_ms,
        .max_future_ms = g->max_future_ms,
    };
}

static enum refusal judge_webhook(const struct gate *g, struct admitted *out)
{
    const struct webhook_terms terms = terms_of(g, out);

    out->verdict = webhook_judge(&out->webhook, &terms, &out->request);
    if (*out->webhook.detail)
        out->detail = out->webhook.detail;
    return of_verdict(out->verdict);
}

enum refusal admit_head(const struct gate *g, const struct http_request *r,
                        struct admitted *out)
{
    enum refusal refusal;

    *out = (struct admitted){
        .request = { .header = header_of, .query = parameter_of, .arg = r }
    };
    refusal = judge_address(g, r, out);
    return refusal == ADMITTED ? judge_path(g, r, out) : refusal;
}

enum refusal admit(const struct gate *g, const struct http_request *r,
                   int64_t now_ms, struct admitted *out)
{
    enum refusal refusal = admit_head(g, r, out);

    out->now_ms = now_ms;
    out->request.body = http_body(r, &out->request.body_len);
    return refusal == ADMITTED ? judge_webhook(g, out) : refusal;
}

void admitted_release(struct admitted *a)
{
    webhook_release(&a->webhook);
}

/* Keys of other providers than this one, and those that were retired. */
static size_t collect_rings(const struct gate *g, const struct profile *p,
                            struct key_ring *rings)
{
    size_t count = 0;

    for (size_t i = 0; i < g->profiles.count; i++) {
        if (!secrets_equal(&g->secrets[i], gate_secrets(g, p)))
            rings[count++] =
                (struct key_ring){ g->profiles.items[i].name, &g->secrets[i] };
    }
    rings[count++] =
        (struct key_ring){ "SHOTFLEET_RETIRED_SECRETS", gate_retired(g, p) };
    return count;
}

bool admitted_is_diagnosable(const struct admitted *a)
{
    return a->profile && a->verdict != WEBHOOK_FINE &&
           a->request.body_len <= DIAGNOSED_BODY_MAX_BYTES;
}

void admitted_diagnose(const struct admitted *a, const struct gate *g,
                       char out[DIAGNOSIS_SIZE])
{
    struct diagnosis_terms terms = { .profiles = &g->profiles };
    struct key_ring *rings = NULL;

    assert(admitted_is_diagnosable(a));
    rings = mem_resize_array(NULL, g->profiles.count + 1, sizeof *rings);
    terms.webhook = terms_of(g, a);
    terms.rings = rings;
    terms.ring_count = collect_rings(g, a->profile, rings);
    diagnose(&terms, &a->webhook, a->verdict, &a->request, out);
    free(rings);
}
