/* What the doctor says to each ailment, and that the healthy are left alone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/body_variants.h"
#include "common/diagnosis.h"
#include "common/encoding.h"
#include "common/mem.h"
#include "common/token.h"
#include "tests/unit/unit.h"

static const int64_t now_ms = INT64_C(1700000000000);
static const char job[] = "0190d1f0-7c1e-7000-8000-0000000000aa";

/* a request */

enum { PAIRS_MAX = 8 };

struct sent {
    const char *header_names[PAIRS_MAX], *headers[PAIRS_MAX];
    const char *query_names[PAIRS_MAX], *query[PAIRS_MAX];
    const char *body;
};

static const char *look_up(const char *const *names, const char *const *values,
                           const char *name, unsigned *count)
{
    const char *first = NULL;

    *count = 0;
    for (size_t i = 0; i < PAIRS_MAX && names[i]; i++) {
        if (strcasecmp(names[i], name) == 0 && (*count)++ == 0)
            first = values[i];
    }
    return first;
}

static const char *header_of(const void *arg, const char *name, unsigned *count)
{
    const struct sent *s = arg;

    return look_up(s->header_names, s->headers, name, count);
}

static const char *parameter_of(const void *arg, const char *name,
                                unsigned *count)
{
    const struct sent *s = arg;

    return look_up(s->query_names, s->query, name, count);
}

/* the fleet that it comes to */

struct fixture {
    struct profiles profiles;
    struct secrets own, tokens, retired, other;
    char said[DIAGNOSIS_SIZE];
};

static struct secrets secrets_of(const char *list)
{
    struct secrets s;
    char error[128];

    assert_int_equal(secrets_parse(&s, list, false, error, sizeof error), 0);
    return s;
}

static int set_up(void **state)
{
    static struct fixture f;
    char error[512];

    if (profiles_load(&f.profiles, SOURCE_DIR "/providers", error,
                      sizeof error) != 0) {
        print_error("%s\n", error);
        return -1;
    }
    f.own = secrets_of("own-new,own-old,d2hhdGV2ZXI=,6b6579");
    f.tokens = secrets_of("tokens");
    f.retired = secrets_of("retired-1,retired-2");
    f.other = secrets_of("another's");
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    profiles_release(&f->profiles);
    secrets_release(&f->own);
    secrets_release(&f->tokens);
    secrets_release(&f->retired);
    secrets_release(&f->other);
    return 0;
}

static const char *ask(struct fixture *f, const char *profile,
                       const struct sent *sent)
{
    const struct key_ring rings[] = { { "RETIRED", &f->retired },
                                      { "profile \"x\"", &f->other } };
    const struct diagnosis_terms terms = {
        .webhook = { .profile = profiles_find(&f->profiles, profile),
                     .secrets = &f->own,
                     .token_keys = &f->tokens,
                     .now_ms = now_ms,
                     .max_age_ms = 300000,
                     .max_future_ms = 60000 },
        .profiles = &f->profiles,
        .rings = rings,
        .ring_count = ARRAY_LEN(rings),
    };
    const struct webhook_request r = { header_of, parameter_of, sent,
                                       sent->body, strlen(sent->body) };
    struct webhook w;
    enum webhook_verdict verdict = webhook_judge(&w, &terms.webhook, &r);

    assert_int_not_equal(verdict, WEBHOOK_FINE);
    diagnose(&terms, &w, verdict, &r, f->said);
    webhook_release(&w);
    print_message("  %s\n", f->said);
    for (size_t i = 0; i < f->own.count; i++)
        assert_null(strstr(f->said, f->own.items[i].ptr));
    return f->said;
}

static void check(struct fixture *f, const char *profile,
                  const struct sent *sent, const char *expected)
{
    if (!strstr(ask(f, profile, sent), expected))
        fail_msg("\"%s\" is not in \"%s\"", expected, f->said);
}

/* Signs `signed_body` by the profile and sends `body`. */
static void check_signed(struct fixture *f, const char *profile,
                         const char *key, size_t key_len,
                         const char *signed_body, const char *body,
                         const char *expected)
{
    const struct profile *p = profiles_find(&f->profiles, profile);
    struct secret secret = { key, key_len, NULL };
    bool ms = p->webhook.scheme.unit == TIMESTAMP_MILLISECONDS;
    const char *timestamp = ms ? "1700000000000" : "1700000000";
    char *signature =
        signature_make(&p->webhook.scheme, &secret, "msg_1", timestamp,
                       signed_body, strlen(signed_body));
    struct sent sent = {
        .header_names = { p->webhook.signature_header, "webhook-id",
                          p->webhook.timestamp_header
                              ? p->webhook.timestamp_header
                              : "X-None" },
        .headers = { signature, "msg_1", timestamp },
        .body = body,
    };

    check(f, profile, &sent, expected);
    free(signature);
}

static void other_keys(void **state)
{
    static const struct {
        const char *key, *expected;
    } cases[] = {
        { "retired-2", "signed with secret 2 of RETIRED, which is not valid" },
        { "another's", "signed with secret 1 of profile \"x\"" },
        { "own-old\n", "secret 2, but the sender's copy of it has a newline" },
        { "whatever", "secret 3, but the sender takes it for base64" },
        { "key", "secret 4, but the sender takes it for hex" },
        { "nobody's", "probably the sender has another secret" },
    };
    static const char *const profiles[] = { "urlbox", "screenshotly",
                                            "standard-webhooks", "scrapfly" };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t k = 0; k < ARRAY_LEN(profiles); k++)
            check_signed(*state, profiles[k], cases[i].key,
                         strlen(cases[i].key), "{}", "{}", cases[i].expected);
    }
}

static void forms_of_standard_webhooks_keys(void **state)
{
    struct fixture *f = *state;
    struct secrets own = f->own;

    /* raw in the profile, decoded by the sender, and the other way round */
    f->own = secrets_of("whsec_d2hhdGV2ZXI=");
    check_signed(f, "rendershot", "whatever", 8, "{}", "{}",
                 "needs \"key_form\": \"whsec\"");
    secrets_release(&f->own);
    f->own = secrets_of("whatever");
    check_signed(f, "standard-webhooks", "whsec_d2hhdGV2ZXI=", 18, "{}", "{}",
                 "needs \"key_form\": \"raw\"");
    secrets_release(&f->own);
    f->own = own;
}

static void changed_bodies(void **state)
{
    static const char compact[] = "{\"a\":\"x/\xC3\xA9\",\"b\":[1,{}]}";
    static const struct {
        const char *was, *is, *expected;
    } cases[] = {
        { "{}", "{}\n", "newline or blanks were added" },
        { "{}", "{} \r\n", "newline or blanks were added" },
        { "{}\n", "{}", "the newline at its end was removed" },
        { "{}\r\n", "{}", "the line end (CR LF) at its end was removed" },
        { "{\n}", "{\r\n}", "changed from LF to CR LF" },
        { "{\r\n}", "{\n}", "changed from CR LF to LF" },
        { "{}", "\xEF\xBB\xBF{}", "a byte order mark was added" },
        { "\xEF\xBB\xBF{}", "{}", "its byte order mark was removed" },
        { compact, "{ \"a\": \"x/\xC3\xA9\", \"b\": [1, {}] }",
          "the JSON was written anew" },
        { "{\"a\":\"x\\/\xC3\xA9\",\"b\":[1,{}]}", compact, "written anew" },
        { "{\"a\":\"x/\\u00e9\",\"b\":[1,{}]}", compact, "written anew" },
        { "{\"a\":\"x\\/\\u00e9\",\"b\":[1,{}]}", compact, "written anew" },
        { "{\"a\": \"x/\xC3\xA9\", \"b\": [1, {}]}", compact, "written anew" },
        { "{\"a\": \"x/\\u00e9\", \"b\": [1, {}]}", compact, "written anew" },
        { "{\n  \"a\": \"x/\xC3\xA9\",\n  \"b\": [\n    1,\n    {}\n  ]\n}",
          compact, "written anew" },
        { "{\"a\":\"\\ud83d\\ude00\"}", "{\"a\": \"\xF0\x9F\x98\x80\"}",
          "written anew" },
        { "{\"a\":1}", "{\"a\":2}", "probably the sender has another secret" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_signed(*state, "rendershot", "own-old", 7, cases[i].was,
                     cases[i].is, cases[i].expected);
        check_signed(*state, "screenshotone", "own-old", 7, cases[i].was,
                     cases[i].is, cases[i].expected);
    }
}

/* None of what is tried is the body itself, nor empty. */
static void variants_vary(void **state)
{
    static const char *const bodies[] = {
        "",
        "{}",
        "x",
        "\r\n",
        "[1,\"\\u0000\\\"\"]",
        "\"\xC3\xA9\"",
        "{\n}\n",
        "[[[[]]],{\"a\":{}}]",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        for (size_t v = 0; v < body_variant_count(); v++) {
            size_t len = 0;
            char *made = body_variant(v, bodies[i], strlen(bodies[i]), &len);

            if (!made)
                continue;
            assert_true(len > 0);
            assert_string_not_equal(made, bodies[i]);
            assert_non_null(body_variant_text(v));
            free(made);
        }
    }
}

static void other_dialects(void **state)
{
    static const char urlbox[] = "X-Urlbox-Signature";
    struct fixture *f = *state;
    struct secret key = f->own.items[1];
    struct signature_scheme plain = { .template = "{body}" };
    struct signature_scheme prefix = {
        .layout = SIGNATURE_PREFIX, .prefix = "sha256=", .template = "{body}"
    };
    struct signature_scheme odd = { .layout = SIGNATURE_PREFIX,
                                    .prefix = "sha1=",
                                    .algorithm = SIGNATURE_SHA1,
                                    .encoding = SIGNATURE_BASE64,
                                    .template = "{timestamp}\n{body}" };
    char *made = signature_make(&plain, &key, NULL, NULL, "{}", 2);
    struct sent sent = { .header_names = { "X-ScreenshotOne-Signature" },
                         .headers = { made },
                         .body = "{}" };

    check(f, "urlbox", &sent,
          "signed the way of profile \"screenshotone\", with a secret of this "
          "provider's: send it to /webhooks/screenshotone");
    sent.header_names[0] = urlbox; /* its header, another's dialect */
    check(f, "urlbox", &sent,
          "layout plain, algorithm sha256, encoding hex, template {body}");
    free(made);

    sent.headers[0] = made = signature_make(&prefix, &key, NULL, NULL, "{}", 2);
    check(f, "screenshotly",
          &(struct sent){ .header_names = { "X-Screenshotly-Signature" },
                          .headers = { made },
                          .body = "{}" },
          "layout prefix \"sha256=\", algorithm sha256, encoding hex, template "
          "{body}");
    free(made);

    sent.headers[0] = made =
        signature_make(&odd, &key, NULL, "1700000000000", "{}", 2);
    sent.header_names[0] = "X-Screenshotly-Signature";
    sent.header_names[1] = "X-Screenshotly-Timestamp";
    sent.headers[1] = "1700000000000";
    check(f, "screenshotly", &sent,
          "layout prefix \"sha1=\", algorithm sha1, encoding base64, template "
          "{timestamp} newline {body}");
    free(made);

    sent = (struct sent){ .header_names = { urlbox, urlbox },
                          .headers = { "a", "b" },
                          .body = "{}" };
    check(f, "urlbox", &sent, "X-Urlbox-Signature is there 2 times");
    check(f, "rendershot", &sent, "there is no header X-Rendershot-Signature");
}

static void check_time(struct fixture *f, const char *profile,
                       const char *timestamp, const char *expected)
{
    const struct profile *p = profiles_find(&f->profiles, profile);
    char *signature = signature_make(&p->webhook.scheme, &f->own.items[0], NULL,
                                     timestamp, "{}", 2);
    struct sent sent = {
        .header_names = { p->webhook.signature_header,
                          p->webhook.timestamp_header },
        .headers = { signature, timestamp },
        .body = "{}",
    };

    check(f, profile, &sent, expected);
    free(signature);
}

static void clocks_and_units(void **state)
{
    check_time(*state, "screenshotly", "1700000000",
               "wrong unit: the timestamp is in seconds, the profile says "
               "milliseconds");
    check_time(*state, "rendershot", "1700000000000",
               "wrong unit: the timestamp is in milliseconds, the profile says "
               "seconds");
    check_time(*state, "rendershot", "2023-11-14T22:13:20Z",
               "wrong unit: the timestamp is in ISO 8601");
    check_time(*state, "rendershot", "1699999588",
               "2023-11-14T22:06:28.000Z, 412 s before the webhook came; 300 s "
               "are allowed");
    check_time(*state, "urlbox", "1700000090",
               "90 s after the webhook came; 60 s are allowed");
    check_time(*state, "rendershot", "soon",
               "the timestamp \"soon\" is in no unit");
}

static void missing_timestamps(void **state)
{
    struct fixture *f = *state;
    const struct profile *p = profiles_find(&f->profiles, "rendershot");
    char *signature = signature_make(&p->webhook.scheme, &f->own.items[0], NULL,
                                     "1700000000", "{}", 2);
    struct sent sent = { .header_names = { "X-Rendershot-Signature" },
                         .headers = { signature },
                         .body = "{}" };

    check(f, "rendershot", &sent,
          "there is no timestamp, or more than one, at "
          "header:X-Rendershot-Timestamp");
    free(signature);
}

static void tokens_of_other_attempts_and_keys(void **state)
{
    struct fixture *f = *state;
    char token[TOKEN_SIZE];
    struct sent sent = { .query_names = { "jobId", "attempt", "token" },
                         .query = { job, "1", token },
                         .body = "{}" };

    token_make(&f->tokens.items[0], job, 20, token);
    check(f, "gotenberg", &sent,
          "for attempt 20 of this job, made with one of the token secrets; the "
          "URL says attempt 1");
    token_make(&f->retired.items[1], job, 1, token);
    check(f, "gotenberg", &sent, "made with one of RETIRED");
    token_make(&f->tokens.items[0], job, 21, token);
    check(f, "gotenberg", &sent, "for another job, or made with another");
    sent.query_names[2] = NULL;
    check(f, "gotenberg", &sent, "token is missing");
    sent.query_names[2] = "token";
    sent.query_names[0] = "job";
    check(f, "gotenberg", &sent, "jobId is missing");
}

static void the_rest(void **state)
{
    struct fixture *f = *state;
    struct secrets own = f->own;
    struct sent sent = { .query_names = { "jobId" },
                         .query = { "7" },
                         .body = "{}" };

    check(f, "gotenberg", &sent, "job-is-no-uuid");
    check_signed(f, "rendershot", "own-new", 7, "[]", "[]",
                 "not a JSON object");
    f->own = secrets_of("");
    check(f, "rendershot", &sent,
          "has no secret: set SHOTFLEET_WEBHOOK_SECRETS");
    f->own = own;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_keys),
        cmocka_unit_test(forms_of_standard_webhooks_keys),
        cmocka_unit_test(changed_bodies),
        cmocka_unit_test(variants_vary),
        cmocka_unit_test(other_dialects),
        cmocka_unit_test(clocks_and_units),
        cmocka_unit_test(missing_timestamps),
        cmocka_unit_test(tokens_of_other_attempts_and_keys),
        cmocka_unit_test(the_rest),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
