#include "cli/doctor_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

struct report {
    const struct diagnosis_terms *terms;
    const struct saved_request *saved;
    FILE *out;
    bool refused;
};

PRINTF_LIKE(3, 4)
static void say(const struct report *r, const char *what, const char *fmt, ...)
{
    va_list args;

    fprintf(r->out, "%-5s", what);
    va_start(args, fmt);
    vfprintf(r->out, fmt, args);
    va_end(args);
    fputc('\n', r->out);
}

PRINTF_LIKE(2, 3)
static void refuse(struct report *r, const char *fmt, ...)
{
    char text[DIAGNOSIS_SIZE + 64];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    say(r, "FAIL", "%s", text);
    r->refused = true;
}

/* Outside text on a terminal: printable ASCII, or a stand-in. */
static const char *printable(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c < 0x20 || *c > 0x7E)
            return "(not printable)";
    }
    return text;
}

/* the request as such */

static void report_request(struct report *r)
{
    static const char old_path[] = "/api/webhooks/screenshot";
    const struct saved_request *s = r->saved;
    const char *name = r->terms->webhook.profile->name;
    bool own = strncmp(s->path, "/webhooks/", 10) == 0 &&
               strcmp(s->path + 10, name) == 0;

    if (strcmp(name, "screenshotly") == 0 && strcmp(s->path, old_path) == 0)
        own = true;
    if (!own)
        refuse(r,
               "path: it went to %.100s; the webhooks of this profile go to "
               "/webhooks/%s",
               printable(s->path), name);
    if (strcmp(s->method, "POST") != 0)
        refuse(r, "method: %.20s, and webhooks are sent with POST",
               printable(s->method));
    if (own && strcmp(s->method, "POST") == 0)
        say(r, "ok", "POST %s", s->path);
}

static void report_size(struct report *r, int64_t max_body_bytes)
{
    const struct saved_request *s = r->saved;

    if (s->surplus > 0)
        say(r, "note",
            "bytes behind what Content-Length announces: %lld; they are left "
            "out (an editor adds a newline)",
            s->surplus);
    if (s->surplus < 0)
        refuse(r,
               "size: the file lacks %lld of the bytes that Content-Length "
               "announces: is it the whole request?",
               -s->surplus);
    if ((int64_t)s->body_len > max_body_bytes)
        refuse(r,
               "size: %zu bytes, and %" PRId64 " are allowed; raise "
               "SHOTFLEET_MAX_BODY_BYTES",
               s->body_len, max_body_bytes);
    else
        say(r, "ok", "size: %zu bytes", s->body_len);
}

/* the webhook, in the order in which it is judged */

static void report_signature(const struct report *r, const struct webhook *w)
{
    const struct webhook_terms *t = &r->terms->webhook;

    if (t->profile->webhook.auth == WEBHOOK_URL_TOKEN) {
        say(r, "ok", "signature: none is asked for, the token stands for it");
        return;
    }
    say(r, "ok", "signature: secret %zu of %zu", w->key + 1, t->secrets->count);
    if (w->key > 0)
        say(r, "note",
            "that is not the newest secret: the sender still has an "
            "older one");
}

static void report_timestamp(const struct report *r, const struct webhook *w,
                             const struct webhook_request *request)
{
    const struct webhook_terms *t = &r->terms->webhook;
    const struct signature_scheme *scheme = &t->profile->webhook.scheme;
    char text[SIGNATURE_TIMESTAMP_SIZE], when[CLOCK_TEXT_SIZE];
    unsigned count = 0;
    int64_t sent_ms = 0;
    struct signature_input in;

    if (t->profile->webhook.auth != WEBHOOK_HMAC ||
        scheme->unit == TIMESTAMP_NONE) {
        say(r, "note",
            "timestamp: the profile has none, so a copy of this "
            "webhook is good forever");
        return;
    }
    in = webhook_signature_input(t->profile, w, request, &count);
    signature_timestamp(scheme, &in, text);
    if (timestamp_parse(text, scheme->unit, &sent_ms) != 0)
        return;
    clock_format(sent_ms, when);
    say(r, "ok", "timestamp: %s, %.1f s %s it came", when,
        (double)llabs(t->now_ms - sent_ms) / 1000,
        sent_ms > t->now_ms ? "after" : "before");
    if (!strstr(scheme->template, "{timestamp}") &&
        t->profile->webhook.timestamp_header)
        say(r, "note", "the timestamp is not signed: anybody can renew it");
}

static void report_url(const struct report *r, const struct webhook *w)
{
    unsigned count = 0;
    bool token = saved_request_query(r->saved, "token", &count) != NULL;

    say(r, "ok", "job: %s, attempt %s, %s", w->job ? w->job : "not named",
        w->attempt ? w->attempt : "not named",
        token ? "token fine" : "no token");
}

/* What a worker would read in it. */
static void report_payload(const struct report *r, const struct webhook *w)
{
    const struct profile *p = r->terms->webhook.profile;
    const struct event_source source = { r->saved->body, r->saved->body_len,
                                         w->type, NULL };
    struct event e;
    char error[128];

    if (event_parse(&e, &p->webhook.payload, &source, error, sizeof error) ==
        0) {
        if (e.kind == EVENT_UNCLEAR && p->webhook.payload.outside.count == 0)
            say(r, "note",
                "the payload says neither success nor failure and "
                "would become a dead letter; see \"payload\" in %s",
                p->file);
        else if (e.kind != EVENT_UNCLEAR)
            say(r, "note", "it reads as: %s%s%.60s%s%s%s",
                event_kind_name(e.kind), e.word ? ", from the word \"" : "",
                e.word ? printable(e.word) : "", e.word ? "\"" : "",
                e.image_url || e.picture ? ", with a picture" : "",
                e.error || e.error_code ? ", with an error" : "");
    }
    event_release(&e);
}

static void report_verdict(struct report *r, enum webhook_verdict verdict,
                           const struct webhook *w,
                           const struct webhook_request *request)
{
    static const char *const steps[] = {
        [WEBHOOK_NO_SECRET] = "signature",
        [WEBHOOK_BAD_SIGNATURE] = "signature",
        [WEBHOOK_BAD_TIMESTAMP] = "timestamp",
        [WEBHOOK_BAD_QUERY] = "URL",
        [WEBHOOK_BAD_TOKEN] = "token",
        [WEBHOOK_BAD_BODY] = "body",
        [WEBHOOK_BAD_JOB] = "job",
    };
    char diagnosis[DIAGNOSIS_SIZE];
    bool fine = verdict == WEBHOOK_FINE;

    /* without the timestamp that it is over, no signature was judged */
    if (fine || (verdict > WEBHOOK_BAD_SIGNATURE &&
                 w->signature != SIGNATURE_NO_TIMESTAMP))
        report_signature(r, w);
    if (fine || verdict > WEBHOOK_BAD_TIMESTAMP)
        report_timestamp(r, w, request);
    if (fine || verdict > WEBHOOK_BAD_TOKEN)
        report_url(r, w);
    if (fine) {
        say(r, "ok", "body: %s",
            payload_is_picture(&r->terms->webhook.profile->webhook.payload,
                               w->type)
                ? "a picture"
                : "a JSON object");
        report_payload(r, w);
        return;
    }
    diagnose(r->terms, w, verdict, request, diagnosis);
    refuse(r, "%s: %s", steps[verdict], diagnosis);
    if (verdict >= WEBHOOK_BAD_BODY)
        say(r, "note", "it is authentic, so ingest keeps it as a dead letter");
}

bool doctor_report(const struct diagnosis_terms *terms,
                   const struct saved_request *saved, int64_t max_body_bytes,
                   FILE *out)
{
    const struct webhook_request request = {
        .header = saved_request_header,
        .query = saved_request_query,
        .arg = saved,
        .body = saved->body,
        .body_len = saved->body_len,
    };
    struct report r = { .terms = terms, .saved = saved, .out = out };
    struct webhook w;
    enum webhook_verdict verdict = WEBHOOK_FINE;

    report_request(&r);
    report_size(&r, max_body_bytes);
    verdict = webhook_judge(&w, &terms->webhook, &request);
    report_verdict(&r, verdict, &w, &request);
    webhook_release(&w);
    return !r.refused;
}
