/* Any saved request, judged by a shipped profile and explained: no verdict but
 * one that the keys allow, an explanation for every refusal, and nothing in it
 * that a log or a terminal could mind.  What is authentic is handed over and
 * read.
 *
 * Input: a byte that chooses the profile (its lowest bit: sign the request),
 * then the request. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor_report.h"
#include "common/mem.h"
#include "common/token.h"
#include "ingest/handover.h"
#include "tests/fuzz/fuzz.h"

static const int64_t now_ms = INT64_C(1700000000000);
static struct secret keys[] = { { "\x93 unguessable", 13, NULL },
                                { "\xf0 as little so", 14, NULL } };
static const struct secrets own = { &keys[0], 1 };
static const struct secrets other = { &keys[1], 1 };

/* As webhook_lookup, but the signature is right. */
struct signed_request {
    const struct saved_request *saved;
    const char *header;
    char *signature;
};

static const char *signed_header(const void *arg, const char *name,
                                 unsigned *count)
{
    const struct signed_request *s = arg;

    if (s->header && strcasecmp(name, s->header) == 0) {
        *count = 1;
        return s->signature;
    }
    return saved_request_header(s->saved, name, count);
}

static const char *signed_query(const void *arg, const char *name,
                                unsigned *count)
{
    const struct signed_request *s = arg;

    return saved_request_query(s->saved, name, count);
}

static void use(const struct profile *p, const struct webhook *w,
                const struct webhook_request *r)
{
    struct handover h;
    struct event_source source = { .type = w->type };
    struct event e;
    char error[256] = "";

    assert(!w->job || uuid_is_valid(w->job));
    handover_init(&h, p, w, r);
    source.body = h.body;
    source.body_len = h.body_len;
    source.head = h.head;
    /* what is let in can be read, redacted or not */
    assert(event_parse(&e, &p->webhook.payload, &source, error, sizeof error) ==
           0);
    event_release(&e);
    handover_release(&h);
}

static void judge(const struct diagnosis_terms *terms,
                  const struct webhook_request *r, bool is_signed)
{
    char text[DIAGNOSIS_SIZE] = "";
    struct webhook w;
    enum webhook_verdict verdict = webhook_judge(&w, &terms->webhook, r);

    if (verdict == WEBHOOK_FINE) {
        assert(is_signed);
        use(terms->webhook.profile, &w, r);
    } else {
        assert(verdict < WEBHOOK_BAD_BODY || is_signed);
        diagnose(terms, &w, verdict, r, text);
        assert(*text);
        for (const char *c = text; *c; c++)
            assert(*c >= 0x20 && *c <= 0x7E); /* each key has other bytes */
    }
    webhook_release(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct profiles profiles; /* loaded once: the process's life */
    static FILE *nowhere;
    const struct key_ring ring = { "ring", &other };
    struct diagnosis_terms terms = { .profiles = &profiles,
                                     .rings = &ring,
                                     .ring_count = 1 };
    struct saved_request saved;
    struct signed_request s = { .saved = &saved };
    struct webhook_request r = { signed_header, signed_query, &s, NULL, 0 };
    char error[512] = "";

    if (!nowhere) {
        nowhere = fopen("/dev/null", "w");
        if (profiles_load(&profiles, SOURCE_DIR "/providers", error,
                          sizeof error) != 0)
            abort();
    }
    if (size == 0)
        return 0;
    terms.webhook = (struct webhook_terms){
        .profile = &profiles.items[data[0] / 2 % profiles.count],
        .secrets = &own,
        .token_keys = &own,
        .now_ms = now_ms,
        .max_age_ms = 300000,
        .max_future_ms = 60000,
    };
    if (saved_request_parse(&saved, (const char *)data + 1, size - 1, error,
                            sizeof error) == 0) {
        const struct profile *p = terms.webhook.profile;

        r.body = saved.body;
        r.body_len = saved.body_len;
        if (data[0] % 2 && p->webhook.auth == WEBHOOK_HMAC) {
            struct webhook w = { 0 };
            unsigned count = 0;
            struct signature_input in =
                webhook_signature_input(p, &w, &r, &count);

            s.header = p->webhook.signature_header;
            s.signature = signature_make(
                &p->webhook.scheme, &keys[0],
                signed_header(&s, "webhook-id", &count),
                in.timestamp ? in.timestamp : "1700000000", r.body, r.body_len);
        }
        judge(&terms, &r, s.signature != NULL);
        doctor_report(&terms, &saved, 1000, nowhere);
        free(s.signature);
    } else {
        assert(*error);
    }
    saved_request_release(&saved);
    return 0;
}
