#include "api/reply.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/counters.h"
#include "common/clock.h"
#include "common/log.h"

enum { DETAIL_MAX_BYTES = 1024 };

/* Answers are data unless they say otherwise: nothing in them may run, no page
 * elsewhere may embed or read them. */
static const struct http_field usual[REPLY_USUAL] = {
    { "X-Content-Type-Options", "nosniff" },
    { "Referrer-Policy", "no-referrer" },
    { "Cross-Origin-Resource-Policy", "same-origin" },
    { "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
    { "Cache-Control", "no-store" },
};

/* draft-ietf-httpapi-ratelimit-headers-11 */
static size_t put_quota(struct reply_fields *out, size_t n,
                        const struct quota *q)
{
    if (q->limit == 0)
        return n;
    snprintf(out->policy, sizeof out->policy, "\"key\";q=%u;w=%d", q->limit,
             KEY_WINDOW_S);
    snprintf(out->left, sizeof out->left, "\"key\";r=%u;t=%u", q->left,
             q->reset_s);
    out->list[n++] = (struct http_field){ "RateLimit-Policy", out->policy };
    out->list[n++] = (struct http_field){ "RateLimit", out->left };
    return n;
}

static size_t put_cors(struct reply_fields *out, size_t n,
                       const struct exchange *x)
{
    const struct cors *c = &x->api->cors;
    const char *allowed = cors_answer(c, http_header(x->request, "Origin"));

    if (!cors_is_on(c))
        return n;
    if (!c->any) /* caches must not give one site's answer to another */
        out->list[n++] = (struct http_field){ "Vary", "Origin" };
    if (allowed) {
        out->list[n++] =
            (struct http_field){ "Access-Control-Allow-Origin", allowed };
        out->list[n++] = (struct http_field){ "Access-Control-Expose-Headers",
                                              cors_exposed };
    }
    return n;
}

const struct http_field *reply_fields(const struct exchange *x,
                                      struct reply_fields *out,
                                      const struct http_field *extra)
{
    size_t n = 0;

    for (; extra && extra->name; extra++) {
        assert(n < REPLY_EXTRA_MAX);
        out->list[n++] = *extra;
    }
    for (size_t i = 0, own = n; i < REPLY_USUAL; i++) {
        bool replaced = false;

        for (size_t j = 0; j < own; j++)
            replaced |= strcmp(out->list[j].name, usual[i].name) == 0;
        if (!replaced)
            out->list[n++] = usual[i];
    }
    /* other sites' pages may show our pictures, where some are let in */
    for (size_t i = 0; i < n && cors_is_on(&x->api->cors); i++) {
        if (strcmp(out->list[i].name, "Cross-Origin-Resource-Policy") == 0)
            out->list[i].value = "cross-origin";
    }
    n = put_quota(out, n, &x->quota);
    n = put_cors(out, n, x);
    out->list[n] = (struct http_field){ 0 };
    return out->list;
}

void reply_count(const struct exchange *x, unsigned status)
{
    struct metrics *m = x->api->metrics;
    unsigned class = status / 100 - 2;

    assert(class < COUNTER_CLASSES);
    metric_add(m, COUNTER_REQUESTS + x->route * COUNTER_CLASSES + class, 1);
    metric_observe_us(m, COUNTER_SECONDS,
                      clock_monotonic_us() - http_received_us(x->request));
}

void reply(struct exchange *x, unsigned status, const char *type,
           const char *ptr, size_t len, const struct http_field *extra)
{
    struct reply_fields fields;

    reply_count(x, status);
    http_respond(x->request, status, type, ptr, len,
                 reply_fields(x, &fields, extra));
}

static void reply_object(struct exchange *x, unsigned status, const char *type,
                         struct json_object *value,
                         const struct http_field *extra)
{
    size_t len;
    const char *text = json_object_to_json_string_length(
        value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);

    reply(x, status, type, text, len, extra);
    json_object_put(value);
}

void reply_json(struct exchange *x, unsigned status, struct json_object *value,
                const struct http_field *extra)
{
    reply_object(x, status, "application/json", value, extra);
}

static void problem(struct exchange *x, enum problem p, const char *detail,
                    struct json_object *errors, struct http_field field)
{
    const struct http_field extra[] = { field, { 0 } };

    reply_object(x, problem_status(p), "application/problem+json",
                 problem_document(p, detail, errors), extra);
}

void reply_problem(struct exchange *x, enum problem p, const char *fmt, ...)
{
    struct http_field field = { 0 };
    char detail[DETAIL_MAX_BYTES];
    va_list args;

    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    if (p == PROBLEM_UNAUTHORIZED)
        field = (struct http_field){ "WWW-Authenticate",
                                     "Bearer realm=\"shotfleet\"" };
    problem(x, p, detail, NULL, field);
}

void reply_upgrade_required(struct exchange *x)
{
    static const struct http_field extra[] = {
        { "Upgrade", "websocket" }, { "Sec-WebSocket-Version", "13" }, { 0 }
    };
    static const char detail[] =
        "this is a WebSocket of version 13: ask for it "
        "with a WebSocket client";

    reply_object(
        x, problem_status(PROBLEM_UPGRADE_REQUIRED), "application/problem+json",
        problem_document(PROBLEM_UPGRADE_REQUIRED, detail, NULL), extra);
}

void reply_method_not_allowed(struct exchange *x, const char *allow)
{
    char detail[DETAIL_MAX_BYTES];

    snprintf(detail, sizeof detail, "this path takes %s", allow);
    problem(x, PROBLEM_METHOD_NOT_ALLOWED, detail, NULL,
            (struct http_field){ "Allow", allow });
}

static enum problem complaints_problem(const struct complaints *c)
{
    return c->url_first ? PROBLEM_INVALID_URL : PROBLEM_INVALID_REQUEST;
}

struct json_object *reply_complaints_document(const struct complaints *c)
{
    char *detail = complaints_summary(c);
    struct json_object *document =
        problem_document(complaints_problem(c), detail, c->list);

    free(detail);
    return document;
}

void reply_complaints(struct exchange *x, const struct complaints *c)
{
    reply_object(x, problem_status(complaints_problem(c)),
                 "application/problem+json", reply_complaints_document(c),
                 NULL);
}

void reply_range_not_satisfiable(struct exchange *x, size_t size)
{
    char detail[DETAIL_MAX_BYTES], range[48];

    snprintf(detail, sizeof detail,
             "Range: begins behind the end; the picture has %zu bytes", size);
    snprintf(range, sizeof range, "bytes */%zu", size);
    problem(x, PROBLEM_RANGE, detail, NULL,
            (struct http_field){ "Content-Range", range });
}

void reply_rate_limited(struct exchange *x)
{
    char detail[DETAIL_MAX_BYTES], seconds[16];

    snprintf(detail, sizeof detail,
             "this key may ask %u times a minute; wait %u seconds",
             x->quota.limit, x->quota.reset_s);
    snprintf(seconds, sizeof seconds, "%u", x->quota.reset_s);
    problem(x, PROBLEM_RATE_LIMITED, detail, NULL,
            (struct http_field){ "Retry-After", seconds });
}

void reply_unavailable(struct exchange *x, const char *fmt, ...)
{
    char detail[DETAIL_MAX_BYTES];
    char seconds[16];
    va_list args;

    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    snprintf(seconds, sizeof seconds, "%d", API_RETRY_AFTER_S);
    problem(x, PROBLEM_UNAVAILABLE, detail, NULL,
            (struct http_field){ "Retry-After", seconds });
}

void reply_db_failure(struct exchange *x, const struct db_result *result)
{
    const char *sqlstate = db_result_sqlstate(result);

    switch (db_result_status(result)) {
    case DB_LOST:
        reply_unavailable(x, "the database went away while this was under way; "
                             "look whether it happened, then try again");
        break;
    case DB_TRANSIENT:
        log_warning(LOG_WITH({ "sqlstate", sqlstate }),
                    "could not ask the database: %s", db_result_error(result));
        reply_unavailable(x, "the database could not do this right now; "
                             "nothing happened, try again");
        break;
    case DB_REFUSED:
    case DB_OK:
        /* class 22: data that passed our checks but not PostgreSQL's, such as
         * a NUL character in metadata */
        if (strncmp(sqlstate, "22", 2) == 0) {
            reply_problem(x, PROBLEM_INVALID_REQUEST,
                          "the database cannot hold this: %s",
                          db_result_error(result));
            break;
        }
        log_error(LOG_WITH({ "sqlstate", sqlstate }),
                  "could not ask the database: %s", db_result_error(result));
        reply_problem(x, PROBLEM_INTERNAL,
                      "the fleet's log says more; nothing happened");
        break;
    }
}
