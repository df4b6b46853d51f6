/* Is it authentic and well formed?  Each verdict at its limit. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/token.h"
#include "common/webhook.h"
#include "tests/unit/unit.h"

static const int64_t now_ms = INT64_C(1700000000000);
static const char job[] = "0190d1f0-7c1e-7000-8000-0000000000aa";
static const char other_job[] = "0190d1f0-7c1e-7000-8000-0000000000ab";

/* a request as pairs of names and values, and a body */

enum { PAIRS_MAX = 12 };

struct pairs {
    const char *names[PAIRS_MAX];
    const char *values[PAIRS_MAX];
    size_t count;
};

struct sent {
    struct pairs headers, query;
    const char *body;
    size_t body_len; /* 0: strlen(body) */
};

static void add(struct pairs *p, const char *name, const char *value)
{
    assert_true(p->count < PAIRS_MAX);
    p->names[p->count] = name;
    p->values[p->count++] = value;
}

static const char *look_up(const struct pairs *p, const char *name,
                           unsigned *count)
{
    const char *first = NULL;

    *count = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (strcasecmp(p->names[i], name) == 0 && (*count)++ == 0)
            first = p->values[i];
    }
    return first;
}

static const char *header_of(const void *arg, const char *name, unsigned *count)
{
    return look_up(&((const struct sent *)arg)->headers, name, count);
}

static const char *parameter_of(const void *arg, const char *name,
                                unsigned *count)
{
    return look_up(&((const struct sent *)arg)->query, name, count);
}

/* a provider, as JSON with ' for " */

static struct profile profile_of(const char *webhook)
{
    char *text = mem_format("{'name':'x','webhook':%s}", webhook);
    struct profile p;
    char error[512];

    for (char *c = text; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    if (profile_parse(&p, "x.json", text, strlen(text), error, sizeof error) !=
        0)
        fail_msg("%s", error);
    free(text);
    return p;
}

#define PAYLOAD "'payload':{'image':'body:url'}"
#define TIMESTAMPED                                                            \
    "{'auth':{'kind':'hmac','header':'X-Sig','layout':'plain',"                \
    "'timestamp':{'header':'X-Time','unit':'ms'},"                             \
    "'template':'{timestamp}.{body}'}," PAYLOAD
#define BODY_ONLY                                                              \
    "{'auth':{'kind':'hmac','header':'X-Sig','layout':'plain',"                \
    "'template':'{body}'},"

struct setting {
    struct profile profile;
    struct secrets secrets, token_keys;
    struct webhook webhook;
};

static struct setting setting_of(const char *webhook)
{
    struct setting s = { .profile = profile_of(webhook) };
    char error[128];

    assert_int_equal(secrets_parse(&s.secrets, "newest,middle,oldest", false,
                                   error, sizeof error),
                     0);
    assert_int_equal(
        secrets_parse(&s.token_keys, "tokens", false, error, sizeof error), 0);
    return s;
}

static void release(struct setting *s)
{
    webhook_release(&s->webhook);
    profile_release(&s->profile);
    secrets_release(&s->secrets);
    secrets_release(&s->token_keys);
}

static enum webhook_verdict judge(struct setting *s, struct sent *sent)
{
    const struct webhook_terms terms = { .profile = &s->profile,
                                         .secrets = &s->secrets,
                                         .token_keys = &s->token_keys,
                                         .now_ms = now_ms,
                                         .max_age_ms = 300000,
                                         .max_future_ms = 60000 };
    const struct webhook_request r = {
        .header = header_of,
        .query = parameter_of,
        .arg = sent,
        .body = sent->body,
        .body_len = sent->body_len ? sent->body_len : strlen(sent->body),
    };

    webhook_release(&s->webhook);
    return webhook_judge(&s->webhook, &terms, &r);
}

/* The signature that key `i` makes for the body; owned. */
static char *sign(const struct setting *s, size_t i, const char *timestamp,
                  const struct sent *sent)
{
    return signature_make(&s->profile.webhook.scheme, &s->secrets.items[i],
                          NULL, timestamp, sent->body,
                          sent->body_len ? sent->body_len : strlen(sent->body));
}

static enum webhook_verdict judge_signed(struct setting *s, struct sent sent)
{
    bool signs = s->profile.webhook.auth == WEBHOOK_HMAC;
    char *signature = signs ? sign(s, 0, NULL, &sent) : NULL;
    enum webhook_verdict verdict;

    if (signature)
        add(&sent.headers, "X-Sig", signature);
    verdict = judge(s, &sent);
    free(signature);
    return verdict;
}

static void every_secret_is_good_and_is_named(void **state)
{
    struct setting s = setting_of(TIMESTAMPED "}");

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct sent sent = { .body = "{}" };
        char *signature = sign(&s, i, "1700000000000", &sent);

        add(&sent.headers, "x-time", "1700000000000");
        add(&sent.headers, "x-sig", signature);
        assert_int_equal(judge(&s, &sent), WEBHOOK_FINE);
        assert_int_equal(s.webhook.key, i);
        free(signature);
    }
    release(&s);
}

static void signatures_that_are_none(void **state)
{
    struct setting s = setting_of(TIMESTAMPED "}");
    struct sent sent = { .body = "{}" };
    char *fine = sign(&s, 0, "1700000000000", &sent);
    struct sent unsigned_one = sent;

    (void)state;
    add(&sent.headers, "X-Time", "1700000000000");
    assert_int_equal(judge(&s, &sent), WEBHOOK_BAD_SIGNATURE);
    assert_string_equal(s.webhook.detail, "missing-signature");
    add(&sent.headers, "X-Sig", fine);
    assert_int_equal(judge(&s, &sent), WEBHOOK_FINE);
    add(&sent.headers, "X-Sig", fine);
    assert_int_equal(judge(&s, &sent), WEBHOOK_BAD_SIGNATURE);
    assert_string_equal(s.webhook.detail, "repeated-signature");

    sent = unsigned_one;
    add(&sent.headers, "X-Sig", fine);
    assert_int_equal(judge(&s, &sent), WEBHOOK_BAD_TIMESTAMP);
    assert_string_equal(s.webhook.detail, "missing-timestamp");
    add(&sent.headers, "X-Time", "1700000000000");
    add(&sent.headers, "X-Time", "1700000000000");
    assert_int_equal(judge(&s, &sent), WEBHOOK_BAD_TIMESTAMP);

    sent = unsigned_one;
    sent.body = "{ }";
    add(&sent.headers, "X-Sig", fine);
    add(&sent.headers, "X-Time", "1700000000000");
    assert_int_equal(judge(&s, &sent), WEBHOOK_BAD_SIGNATURE);
    assert_string_equal(s.webhook.detail, "wrong-signature");
    sent.body = "{}";
    sent.headers.values[0] = "not hex";
    assert_int_equal(judge(&s, &sent), WEBHOOK_BAD_SIGNATURE);
    assert_string_equal(s.webhook.detail, "malformed-signature");
    free(fine);

    secrets_release(&s.secrets);
    assert_int_equal(judge(&s, &sent), WEBHOOK_NO_SECRET);
    release(&s);
}

/* 300 s back and 60 s ahead, to the millisecond */
static void the_clock_has_two_limits(void **state)
{
    static const struct {
        int64_t sent_ms;
        enum webhook_verdict verdict;
        const char *detail;
    } cases[] = {
        { -299999, WEBHOOK_FINE, "" },
        { -300000, WEBHOOK_FINE, "" },
        { -300001, WEBHOOK_BAD_TIMESTAMP, "too-old" },
        { 59999, WEBHOOK_FINE, "" },
        { 60000, WEBHOOK_FINE, "" },
        { 60001, WEBHOOK_BAD_TIMESTAMP, "too-new" },
    };
    struct setting s = setting_of(TIMESTAMPED "}");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sent sent = { .body = "{}" };
        char *timestamp = mem_format("%" PRId64, now_ms + cases[i].sent_ms);
        char *signature = sign(&s, 0, timestamp, &sent);

        add(&sent.headers, "X-Time", timestamp);
        add(&sent.headers, "X-Sig", signature);
        print_message("  %" PRId64 "\n", cases[i].sent_ms);
        assert_int_equal(judge(&s, &sent), cases[i].verdict);
        assert_string_equal(s.webhook.detail, cases[i].detail);
        free(timestamp);
        free(signature);
    }
    release(&s);
}

static void a_timestamp_in_the_body(void **state)
{
    static const struct {
        const char *body;
        enum webhook_verdict verdict;
        const char *detail;
    } cases[] = {
        { "{\"sent\":{\"at\":1700000000}}", WEBHOOK_FINE, "" },
        { "{\"sent\":{\"at\":\"1700000000\"}}", WEBHOOK_FINE, "" },
        { "{\"sent\":{\"at\":1699999700}}", WEBHOOK_FINE, "" },
        { "{\"sent\":{\"at\":1699999699}}", WEBHOOK_BAD_TIMESTAMP, "too-old" },
        { "{\"sent\":{\"at\":1700000000000}}", WEBHOOK_BAD_TIMESTAMP,
          "bad-timestamp" },
        { "{\"sent\":{\"at\":1700000000.5}}", WEBHOOK_BAD_TIMESTAMP,
          "missing-timestamp" },
        { "{\"sent\":{}}", WEBHOOK_BAD_TIMESTAMP, "missing-timestamp" },
        { "{\"sent\":", WEBHOOK_BAD_TIMESTAMP, "missing-timestamp" },
    };
    struct setting s =
        setting_of("{'auth':{'kind':'hmac','header':'X-Sig','layout':'plain',"
                   "'timestamp':{'body':'sent.at','unit':'s'},'template':'{"
                   "body}'}," PAYLOAD "}");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s\n", cases[i].body);
        assert_int_equal(
            judge_signed(&s, (struct sent){ .body = cases[i].body }),
            cases[i].verdict);
        assert_string_equal(s.webhook.detail, cases[i].detail);
    }
    release(&s);
}

static void an_id_in_the_body_may_be_signed(void **state)
{
    struct setting s = setting_of(
        "{'auth':{'kind':'hmac','header':'X-Sig','layout':'plain',"
        "'template':'{id}.{body}'},'id':['header:X-Id','body:id']," PAYLOAD
        "}");
    struct sent sent = { .body = "{\"id\":77}" };
    char *signature =
        signature_make(&s.profile.webhook.scheme, &s.secrets.items[0], "77",
                       NULL, sent.body, strlen(sent.body));

    (void)state;
    add(&sent.headers, "X-Sig", signature);
    assert_int_equal(judge(&s, &sent), WEBHOOK_FINE);
    assert_string_equal(s.webhook.id, "77");
    add(&sent.headers, "X-Id", "78"); /* it comes first, and is not signed */
    assert_int_equal(judge(&s, &sent), WEBHOOK_BAD_SIGNATURE);
    free(signature);
    release(&s);
}

static void delivery_ids_have_an_exact_limit(void **state)
{
    struct setting s = setting_of(BODY_ONLY "'id':'header:X-Id'," PAYLOAD "}");

    (void)state;
    for (int len = 255; len <= 257; len++) {
        char *id = mem_format("%0*d", len, 0);
        struct sent sent = { .body = "{}" };

        add(&sent.headers, "X-Id", id);
        assert_int_equal(judge_signed(&s, sent), WEBHOOK_FINE);
        assert_int_equal(s.webhook.id != NULL, len <= 256);
        free(id);
    }
    release(&s);
}

static void a_static_header_holds_a_secret(void **state)
{
    struct setting s = setting_of(
        "{'auth':{'kind':'static-header','header':'X-Key'}," PAYLOAD "}");
    static const struct {
        const char *value, *again, *detail;
        enum webhook_verdict verdict;
        size_t key;
    } cases[] = {
        { "newest", NULL, "", WEBHOOK_FINE, 0 },
        { "oldest", NULL, "", WEBHOOK_FINE, 2 },
        { "newes", NULL, "wrong-header", WEBHOOK_BAD_SIGNATURE, 2 },
        { "newestt", NULL, "wrong-header", WEBHOOK_BAD_SIGNATURE, 2 },
        { "Newest", NULL, "wrong-header", WEBHOOK_BAD_SIGNATURE, 2 },
        { "", NULL, "wrong-header", WEBHOOK_BAD_SIGNATURE, 2 },
        { NULL, NULL, "missing-header", WEBHOOK_BAD_SIGNATURE, 0 },
        { "newest", "newest", "repeated-header", WEBHOOK_BAD_SIGNATURE, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sent sent = { .body = "{}" };

        if (cases[i].value)
            add(&sent.headers, "x-key", cases[i].value);
        if (cases[i].again)
            add(&sent.headers, "X-KEY", cases[i].again);
        assert_int_equal(judge(&s, &sent), cases[i].verdict);
        assert_string_equal(s.webhook.detail, cases[i].detail);
        assert_int_equal(s.webhook.key, cases[i].key);
    }
    secrets_release(&s.secrets);
    assert_int_equal(judge(&s, &(struct sent){ .body = "{}" }),
                     WEBHOOK_NO_SECRET);
    release(&s);
}

static void what_the_url_may_say(void **state)
{
    static const struct {
        const char *job, *attempt, *detail;
        enum webhook_verdict verdict;
    } cases[] = {
        { NULL, NULL, "", WEBHOOK_FINE },
        { job, NULL, "", WEBHOOK_FINE },
        { job, "1", "", WEBHOOK_FINE },
        { "0190D1F0-7C1E-7000-8000-0000000000AA", "1", "", WEBHOOK_FINE },
        { job, "999999", "", WEBHOOK_FINE },
        { job, "1000000", "attempt-is-no-number", WEBHOOK_BAD_QUERY },
        { job, "0", "attempt-is-no-number", WEBHOOK_BAD_QUERY },
        { job, "01", "attempt-is-no-number", WEBHOOK_BAD_QUERY },
        { job, "", "attempt-is-no-number", WEBHOOK_BAD_QUERY },
        { job, "1x", "attempt-is-no-number", WEBHOOK_BAD_QUERY },
        { "", NULL, "job-is-no-uuid", WEBHOOK_BAD_QUERY },
        { "7", NULL, "job-is-no-uuid", WEBHOOK_BAD_QUERY },
        { "0190d1f0-7c1e-7000-8000-0000000000a", NULL, "job-is-no-uuid",
          WEBHOOK_BAD_QUERY },
        { "0190d1f0-7c1e-7000-8000-0000000000aaa", NULL, "job-is-no-uuid",
          WEBHOOK_BAD_QUERY },
    };
    struct setting s = setting_of(BODY_ONLY PAYLOAD "}");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sent sent = { .body = "{}" };

        if (cases[i].job)
            add(&sent.query, "jobId", cases[i].job);
        if (cases[i].attempt)
            add(&sent.query, "attempt", cases[i].attempt);
        assert_int_equal(judge_signed(&s, sent), cases[i].verdict);
        assert_string_equal(s.webhook.detail, cases[i].detail);
    }
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = { "jobId", "attempt", "token" };
        struct sent sent = { .body = "{}" };

        add(&sent.query, names[i], i == 0 ? job : "1");
        add(&sent.query, names[i], i == 0 ? job : "1");
        assert_int_equal(judge_signed(&s, sent), WEBHOOK_BAD_QUERY);
        assert_string_equal(s.webhook.detail, "repeated-parameter");
    }
    release(&s);
}

static void tokens(void **state)
{
    static const char unsigned_one[] =
        "{'auth':{'kind':'url-token'}," PAYLOAD "}";
    static const char both[] = BODY_ONLY "'require_token':true," PAYLOAD "}";
    static const char optional[] = BODY_ONLY PAYLOAD "}";
    char token[TOKEN_SIZE], wrong[TOKEN_SIZE];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *const profiles[] = { unsigned_one, both, optional };
        struct setting s = setting_of(profiles[i]);
        struct sent sent = { .body = "{}" };

        token_make(&s.token_keys.items[0], job, 2, token);
        memcpy(wrong, token, sizeof token);
        wrong[0] = wrong[0] == 'A' ? 'B' : 'A';
        assert_int_equal(judge_signed(&s, sent),
                         i == 2 ? WEBHOOK_FINE : WEBHOOK_BAD_TOKEN);
        add(&sent.query, "jobId", job);
        assert_int_equal(judge_signed(&s, sent),
                         i == 2 ? WEBHOOK_FINE : WEBHOOK_BAD_TOKEN);
        add(&sent.query, "attempt", "2");
        add(&sent.query, "token", token);
        assert_int_equal(judge_signed(&s, sent), WEBHOOK_FINE);
        assert_string_equal(s.webhook.job, job);
        assert_string_equal(s.webhook.attempt, "2");

        sent.query.values[2] = wrong;
        assert_int_equal(judge_signed(&s, sent), WEBHOOK_BAD_TOKEN);
        assert_string_equal(s.webhook.detail, "wrong-token");
        sent.query.values[2] = token;
        sent.query.values[1] = "3";
        assert_int_equal(judge_signed(&s, sent), WEBHOOK_BAD_TOKEN);
        sent.query.values[1] = "2";
        sent.query.values[0] = other_job;
        assert_int_equal(judge_signed(&s, sent), WEBHOOK_BAD_TOKEN);
        sent.query.names[0] = "else";
        assert_int_equal(judge_signed(&s, sent), WEBHOOK_BAD_TOKEN);
        assert_string_equal(s.webhook.detail, "missing-token");
        release(&s);
    }
}

static char *nested(int depth)
{
    return mem_format("{\"a\":%.*s%.*s}", depth - 1,
                      "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", depth - 1,
                      "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
}

static void bodies(void **state)
{
    static const struct {
        const char *body, *detail;
        enum webhook_verdict verdict;
    } cases[] = {
        { "{}", "", WEBHOOK_FINE },
        { " \t\r\n{}\n", "", WEBHOOK_FINE },
        { "[]", "not a JSON object", WEBHOOK_BAD_BODY },
        { "\"x\"", "not a JSON object", WEBHOOK_BAD_BODY },
        { "null", "not a JSON object", WEBHOOK_BAD_BODY },
        { "{", "string expected at byte 1", WEBHOOK_BAD_BODY },
        { "{} x", "unexpected character behind the value at byte 3",
          WEBHOOK_BAD_BODY },
        { "{\"a\":\"\xff\"}", "invalid UTF-8 at byte 6", WEBHOOK_BAD_BODY },
        { "{\"a\":NaN}", "unexpected character at byte 5", WEBHOOK_BAD_BODY },
    };
    struct setting s = setting_of(BODY_ONLY PAYLOAD "}");
    struct sent empty = { .body = "" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s\n", cases[i].body);
        assert_int_equal(
            judge_signed(&s, (struct sent){ .body = cases[i].body }),
            cases[i].verdict);
        assert_memory_equal(s.webhook.detail, cases[i].detail,
                            strlen(cases[i].detail));
    }
    assert_int_equal(judge_signed(&s, empty), WEBHOOK_BAD_BODY);
    for (int depth = 31; depth <= 33; depth++) {
        char *body = nested(depth);

        assert_int_equal(judge_signed(&s, (struct sent){ .body = body }),
                         depth <= 32 ? WEBHOOK_FINE : WEBHOOK_BAD_BODY);
        free(body);
    }
    release(&s);
}

static void a_body_that_is_the_picture(void **state)
{
    static const char png[] =
        "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x04\0\0\0\x03"
        "\x08\x02\0\0\0\0\0\0\0";
    struct setting s =
        setting_of(BODY_ONLY "'payload':{'image_in_body':true,"
                             "'own_job_id':'body:mine','error':'body:e'}}");
    struct sent sent = { .body = png, .body_len = sizeof png - 1 };
    char *json = mem_format("{\"mine\":\"%s\"}", job);

    (void)state;
    assert_int_equal(judge_signed(&s, sent), WEBHOOK_FINE);
    add(&sent.headers, "Content-Type", "image/png");
    assert_int_equal(judge_signed(&s, sent), WEBHOOK_FINE);
    assert_null(s.webhook.job);
    sent.body_len = 20;
    assert_int_equal(judge_signed(&s, sent), WEBHOOK_BAD_BODY);
    sent.body = json;
    sent.body_len = 0;
    assert_int_equal(judge_signed(&s, sent), WEBHOOK_BAD_BODY);
    sent.headers.values[0] = "application/json";
    assert_int_equal(judge_signed(&s, sent), WEBHOOK_FINE);
    assert_string_equal(s.webhook.job, job);
    free(json);
    release(&s);
}

static void the_same_job_in_url_and_body(void **state)
{
    static const struct {
        const char *url, *header, *body, *job;
        enum webhook_verdict verdict;
    } cases[] = {
        { NULL, NULL, NULL, NULL, WEBHOOK_FINE },
        { job, NULL, NULL, job, WEBHOOK_FINE },
        { NULL, job, NULL, job, WEBHOOK_FINE },
        { NULL, NULL, job, job, WEBHOOK_FINE },
        { job, job, NULL, job, WEBHOOK_FINE },
        { job, NULL, job, job, WEBHOOK_FINE },
        { job, NULL, "0190D1F0-7C1E-7000-8000-0000000000AA", job,
          WEBHOOK_FINE },
        { job, NULL, other_job, job, WEBHOOK_BAD_JOB },
        { job, other_job, NULL, job, WEBHOOK_BAD_JOB },
        /* an id of somebody else's making is not compared */
        { job, NULL, "job_7", job, WEBHOOK_FINE },
        { NULL, NULL, "job_7", NULL, WEBHOOK_FINE },
        { job, "", NULL, job, WEBHOOK_FINE },
    };
    struct setting s =
        setting_of(BODY_ONLY "'payload':{'image':'body:url','job_id':'body:id',"
                             "'own_job_id':['header:X-Job','body:mine']}}");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *body = cases[i].body
                         ? mem_format("{\"mine\":\"%s\"}", cases[i].body)
                         /* the provider's own id, which happens to be a UUID */
                         : mem_format("{\"id\":\"%s\"}", other_job);
        struct sent sent = { .body = body };

        if (cases[i].url)
            add(&sent.query, "jobId", cases[i].url);
        if (cases[i].header)
            add(&sent.headers, "X-Job", cases[i].header);
        print_message("  %zu\n", i);
        assert_int_equal(judge_signed(&s, sent), cases[i].verdict);
        if (cases[i].job)
            assert_string_equal(s.webhook.job, cases[i].job);
        else
            assert_null(s.webhook.job);
        free(body);
    }
    release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_secret_is_good_and_is_named),
        cmocka_unit_test(signatures_that_are_none),
        cmocka_unit_test(the_clock_has_two_limits),
        cmocka_unit_test(a_timestamp_in_the_body),
        cmocka_unit_test(an_id_in_the_body_may_be_signed),
        cmocka_unit_test(delivery_ids_have_an_exact_limit),
        cmocka_unit_test(a_static_header_holds_a_secret),
        cmocka_unit_test(what_the_url_may_say),
        cmocka_unit_test(tokens),
        cmocka_unit_test(bodies),
        cmocka_unit_test(a_body_that_is_the_picture),
        cmocka_unit_test(the_same_job_in_url_and_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
