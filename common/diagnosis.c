#include "common/diagnosis.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/dialects.h"
#include "common/token.h"

/* One diagnosis in the making. */
struct doctor {
    const struct diagnosis_terms *terms;
    const struct webhook *webhook;
    const struct webhook_request *request;
    char *out;
};

PRINTF_LIKE(2, 3)
static bool tell(struct doctor *d, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(d->out, DIAGNOSIS_SIZE, fmt, args);
    va_end(args);
    return true;
}

static const struct profile *profile_of(const struct doctor *d)
{
    return d->terms->webhook.profile;
}

/* signatures, the likeliest cause first; true once it is told */

static bool try_other_keys(struct doctor *d, const struct signature_input *in)
{
    size_t key = 0;

    for (size_t i = 0; i < d->terms->ring_count; i++) {
        const struct key_ring *ring = &d->terms->rings[i];

        if (dialect_fits(&profile_of(d)->webhook.scheme, ring->secrets, in,
                         &key))
            return tell(d,
                        "signed with secret %zu of %s, which is not valid "
                        "here",
                        key + 1, ring->name);
    }
    return false;
}

static bool try_key_forms(struct doctor *d, const struct signature_input *in)
{
    for (size_t i = 0; i < d->terms->webhook.secrets->count; i++) {
        const char *form =
            dialect_key_form(&profile_of(d)->webhook.scheme,
                             &d->terms->webhook.secrets->items[i], in);

        if (form)
            return tell(d, "signed with secret %zu, but %s", i + 1, form);
    }
    return false;
}

static bool try_bodies(struct doctor *d, const struct signature_input *in)
{
    const char *change = dialect_body_change(&profile_of(d)->webhook.scheme,
                                             d->terms->webhook.secrets, in);

    return change && tell(d,
                          "the body was changed on its way: %s; a proxy or "
                          "framework must hand on the bytes as they are",
                          change);
}

/* Does the request carry a webhook of this other provider? */
static bool try_profile(struct doctor *d, const struct profile *p)
{
    unsigned count = 0;
    struct webhook_terms terms = d->terms->webhook;
    const char *whose = "this provider's";

    if (p->webhook.auth != WEBHOOK_HMAC || p == profile_of(d) ||
        !d->request->header(d->request->arg, p->webhook.signature_header,
                            &count))
        return false;
    terms.profile = p;
    for (size_t i = 0; i <= d->terms->ring_count; i++) {
        if (dialect_is_spoken(&terms, d->request))
            return tell(d,
                        "it is signed the way of profile \"%s\", with a "
                        "secret of %s: send it to /webhooks/%s, or use that "
                        "profile",
                        p->name, whose, p->name);
        if (i < d->terms->ring_count) {
            terms.secrets = d->terms->rings[i].secrets;
            whose = d->terms->rings[i].name;
        }
    }
    return false;
}

static bool try_profiles(struct doctor *d)
{
    for (size_t i = 0; i < d->terms->profiles->count; i++) {
        if (try_profile(d, &d->terms->profiles->items[i]))
            return true;
    }
    return false;
}

static bool try_schemes(struct doctor *d, const struct signature_input *in)
{
    char found[DIALECT_TEXT_SIZE];
    const struct profile *named = NULL;

    if (!dialect_search(&profile_of(d)->webhook.scheme,
                        d->terms->webhook.secrets, in, d->terms->profiles,
                        found, &named))
        return false;
    return tell(d, "another dialect: it is signed with %s%s%s%s", found,
                named ? ", as in profile \"" : "", named ? named->name : "",
                named ? "\"" : "");
}

static void of_missing_signature(struct doctor *d)
{
    const struct profile *p = profile_of(d);

    if (try_profiles(d))
        return;
    if (!d->webhook->id && strstr(p->webhook.scheme.template, "{id}") &&
        p->webhook.id.count > 0)
        tell(d, "there is no delivery id at %s, and the signature is over it",
             p->webhook.id.items[0].text);
    else
        tell(d,
             "there is no header %s: does the sender sign, and does every "
             "proxy hand that header on?",
             p->webhook.signature_header);
}

static void of_static_header(struct doctor *d)
{
    const char *name = profile_of(d)->webhook.static_header;
    unsigned count = 0;
    const char *value = d->request->header(d->request->arg, name, &count);

    for (size_t i = 0; count == 1 && i < d->terms->ring_count; i++) {
        const struct key_ring *ring = &d->terms->rings[i];

        for (size_t k = 0; k < ring->secrets->count; k++) {
            const struct secret *key = &ring->secrets->items[k];

            if (!equal_constant_time(value, strlen(value), key->ptr, key->len))
                continue;
            tell(d,
                 "the header %s holds secret %zu of %s, which is not valid "
                 "here",
                 name, k + 1, ring->name);
            return;
        }
    }
    tell(d,
         "the header %s is there %u times; it must be there once and hold one "
         "of the webhook secrets to the letter",
         name, count);
}

static void of_signature(struct doctor *d)
{
    const struct profile *p = profile_of(d);
    unsigned count = 0;
    struct signature_input in;

    if (p->webhook.auth != WEBHOOK_HMAC) {
        of_static_header(d);
        return;
    }
    in = webhook_signature_input(p, d->webhook, d->request, &count);
    if (count > 1)
        tell(d, "the header %s is there %u times: a proxy adds one",
             p->webhook.signature_header, count);
    else if (d->webhook->signature == SIGNATURE_MISSING)
        of_missing_signature(d);
    else if (!try_other_keys(d, &in) && !try_key_forms(d, &in) &&
             !try_bodies(d, &in) && !try_profiles(d) && !try_schemes(d, &in))
        tell(d, "no key that is known, no usual change of the body and no "
                "usual dialect fits: probably the sender has another secret");
}

/* timestamps */

static bool try_units(struct doctor *d, const char *text)
{
    static const char *const names[] = {
        [TIMESTAMP_SECONDS] = "seconds",
        [TIMESTAMP_MILLISECONDS] = "milliseconds",
        [TIMESTAMP_ISO8601] = "ISO 8601",
    };
    const struct webhook_terms *t = &d->terms->webhook;
    enum timestamp_unit own = t->profile->webhook.scheme.unit;
    int64_t ms = 0;

    for (enum timestamp_unit u = TIMESTAMP_SECONDS; u <= TIMESTAMP_ISO8601;
         u++) {
        if (u != own && timestamp_parse(text, u, &ms) == 0 &&
            t->now_ms - ms <= t->max_age_ms &&
            ms - t->now_ms <= t->max_future_ms)
            return tell(d,
                        "wrong unit: the timestamp is in %s, the profile "
                        "says %s",
                        names[u], names[own]);
    }
    return false;
}

/* May it be shown as it is? */
static bool is_plain(const char *text)
{
    return text[strspn(text, "0123456789:.+- abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static void of_clock(struct doctor *d, int64_t sent_ms)
{
    const struct webhook_terms *t = &d->terms->webhook;
    int64_t late_ms = t->now_ms - sent_ms;
    char sent[CLOCK_TEXT_SIZE];

    clock_format(sent_ms, sent);
    if (late_ms > 0)
        tell(d,
             "clock: the timestamp says %s, %" PRId64 " s before the "
             "webhook came; %" PRId64 " s are allowed.  Was it on its way so "
             "long, or is a clock off by as much?",
             sent, late_ms / 1000, t->max_age_ms / 1000);
    else
        tell(d,
             "clock: the timestamp says %s, %" PRId64 " s after the webhook "
             "came; %" PRId64 " s are allowed.  One of the two clocks is off "
             "by as much",
             sent, -late_ms / 1000, t->max_future_ms / 1000);
}

static void of_timestamp(struct doctor *d)
{
    const struct profile *p = profile_of(d);
    const char *path = p->webhook.timestamp_path;
    const char *key = p->webhook.scheme.timestamp_key;
    char text[SIGNATURE_TIMESTAMP_SIZE];
    unsigned count = 0;
    int64_t sent_ms = 0;
    struct signature_input in =
        webhook_signature_input(p, d->webhook, d->request, &count);

    signature_timestamp(&p->webhook.scheme, &in, text);
    if (!*text && (try_profiles(d) || try_schemes(d, &in)))
        return;
    if (!*text)
        tell(d, "there is no timestamp, or more than one, at %s%s",
             key    ? "the signature header's "
             : path ? "body:"
                    : "header:",
             key    ? key
             : path ? path
                    : p->webhook.timestamp_header);
    else if (try_units(d, text))
        return;
    else if (timestamp_parse(text, p->webhook.scheme.unit, &sent_ms) == 0)
        of_clock(d, sent_ms);
    else
        tell(d, "the timestamp%s%.40s%s is in no unit that is known",
             is_plain(text) ? " \"" : "", is_plain(text) ? text : "",
             is_plain(text) ? "\"" : "");
}

/* the rest */

static bool try_tokens(struct doctor *d, const struct secrets *keys,
                       const char *name, const char *token)
{
    enum { ATTEMPTS_MAX = 20 };
    const struct webhook *w = d->webhook;

    for (int64_t attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        if (token_check(keys, w->job, attempt, token))
            return tell(d,
                        "the token is for attempt %" PRId64 " of this job, "
                        "made with one of %s; the URL says attempt %s",
                        attempt, name, w->attempt);
    }
    return false;
}

static void of_token(struct doctor *d)
{
    const struct webhook *w = d->webhook;
    unsigned count = 0;
    const char *token = d->request->query(d->request->arg, "token", &count);

    if (!token || !w->job || !w->attempt) {
        tell(d,
             "the URL needs jobId, attempt and token, as the worker made "
             "it; %s is missing",
             !token    ? "token"
             : !w->job ? "jobId"
                       : "attempt");
        return;
    }
    if (try_tokens(d, d->terms->webhook.token_keys, "the token secrets", token))
        return;
    for (size_t i = 0; i < d->terms->ring_count; i++) {
        if (try_tokens(d, d->terms->rings[i].secrets, d->terms->rings[i].name,
                       token))
            return;
    }
    tell(d, "the token is for another job, or made with another secret: have "
            "worker and ingest the same SHOTFLEET_TOKEN_SECRETS (or "
            "SHOTFLEET_WEBHOOK_SECRETS)?");
}

static void of_no_secret(struct doctor *d)
{
    tell(d,
         "profile \"%s\" has no secret: set SHOTFLEET_WEBHOOK_SECRETS, or the "
         "same with the profile's name behind it",
         profile_of(d)->name);
}

void diagnose(const struct diagnosis_terms *terms, const struct webhook *w,
              enum webhook_verdict verdict, const struct webhook_request *r,
              char out[DIAGNOSIS_SIZE])
{
    struct doctor d = { terms, w, r, out };

    switch (verdict) {
    case WEBHOOK_NO_SECRET:
        of_no_secret(&d);
        break;
    case WEBHOOK_BAD_SIGNATURE:
        of_signature(&d);
        break;
    case WEBHOOK_BAD_TIMESTAMP:
        of_timestamp(&d);
        break;
    case WEBHOOK_BAD_TOKEN:
        of_token(&d);
        break;
    case WEBHOOK_BAD_QUERY:
        tell(&d, "jobId and attempt must come back as the worker made them: %s",
             w->detail);
        break;
    case WEBHOOK_FINE:
    case WEBHOOK_BAD_BODY:
    case WEBHOOK_BAD_JOB:
        tell(&d, "%s", w->detail);
        break;
    }
}
