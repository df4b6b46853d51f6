/* What webhooks and status answers say, by the shipped profile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/profile.h"
#include "tests/unit/unit.h"

struct fixture {
    struct profiles profiles;
    const struct payload_map *webhook; /* of screenshotly */
    const struct payload_map *status;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    char error[512];
    const struct profile *p = NULL;

    if (profiles_load(&fixture.profiles, SOURCE_DIR "/providers", error,
                      sizeof error) != 0) {
        print_error("%s\n", error);
        return -1;
    }
    p = profiles_find(&fixture.profiles, "screenshotly");
    if (!p)
        return -1;
    fixture.webhook = &p->webhook.payload;
    fixture.status = &p->status.payload;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    profiles_release(&fixture->profiles);
    return 0;
}

static struct event parse(const struct payload_map *map, const char *body)
{
    struct event event;
    char error[256] = "";

    struct event_source source = { .body = body, .body_len = strlen(body) };

    if (event_parse(&event, map, &source, error, sizeof error) != 0)
        fail_msg("%s: %s", body, error);
    return event;
}

static void check_kind(const struct payload_map *map, const char *body,
                       enum event_kind kind)
{
    struct event event = parse(map, body);

    print_message("  %s\n", body);
    assert_string_equal(event_kind_name(event.kind), event_kind_name(kind));
    event_release(&event);
}

static void the_event_form(void **state)
{
    struct fixture *f = *state;
    struct event e =
        parse(f->webhook,
              "{\"event\":\"screenshot.completed\",\"data\":{\"jobId\":\"p-1\","
              "\"imageUrl\":\"/images/p-1.png\",\"metadata\":{\"width\":1280,"
              "\"height\":800,\"size\":34097}}}");

    assert_int_equal(e.kind, EVENT_COMPLETED);
    assert_string_equal(e.word, "screenshot.completed");
    assert_string_equal(e.provider_job, "p-1");
    assert_string_equal(e.image_url, "/images/p-1.png");
    assert_null(e.error);
    assert_null(e.error_code);
    assert_int_equal(e.width, 1280);
    assert_int_equal(e.height, 800);
    assert_int_equal(e.size_bytes, 34097);
    assert_int_equal(e.progress, -1);
    event_release(&e);

    e = parse(f->webhook,
              "{\"event\":\"screenshot.failed\",\"data\":{\"jobId\":\"p-2\","
              "\"error\":\"took too long\",\"errorCode\":\"TIMEOUT\"}}");
    assert_int_equal(e.kind, EVENT_FAILED);
    assert_string_equal(e.error, "took too long");
    assert_string_equal(e.error_code, "TIMEOUT");
    assert_null(e.image_url);
    event_release(&e);

    e = parse(f->webhook, "{\"event\":\"screenshot.progress\",\"data\":"
                          "{\"jobId\":\"p-3\",\"progress\":40}}");
    assert_int_equal(e.kind, EVENT_PROGRESS);
    assert_int_equal(e.progress, 40);
    event_release(&e);
}

static void the_flat_form(void **state)
{
    struct fixture *f = *state;
    struct event e = parse(
        f->webhook, "{\"success\":true,\"imageUrl\":\"http://127.0.0.1:9/x.png"
                    "\",\"error\":null,\"metadata\":{\"width\":1,\"height\":1,"
                    "\"size\":67}}");

    assert_int_equal(e.kind, EVENT_COMPLETED);
    assert_null(e.word);
    assert_null(e.provider_job);
    assert_null(e.error);
    assert_string_equal(e.image_url, "http://127.0.0.1:9/x.png");
    assert_int_equal(e.size_bytes, 67);
    event_release(&e);

    e = parse(f->webhook, "{\"success\":false,\"imageUrl\":null,"
                          "\"error\":\"net::ERR_NAME_NOT_RESOLVED\"}");
    assert_int_equal(e.kind, EVENT_FAILED);
    assert_string_equal(e.error, "net::ERR_NAME_NOT_RESOLVED");
    event_release(&e);
}

static void the_flat_status_form(void **state)
{
    struct fixture *f = *state;
    struct event e =
        parse(f->webhook, "{\"jobId\":\"p-1\",\"status\":\"completed\",\"url\":"
                          "\"https://cdn/p-1.png\"}");

    assert_int_equal(e.kind, EVENT_COMPLETED);
    assert_string_equal(e.provider_job, "p-1");
    assert_string_equal(e.image_url, "https://cdn/p-1.png");
    event_release(&e);
    check_kind(f->webhook,
               "{\"jobId\":\"p-1\",\"status\":\"failed\",\"error\":\"no\"}",
               EVENT_FAILED);
}

static void a_status_answer(void **state)
{
    struct fixture *f = *state;
    struct event e = parse(
        f->status, "{\"jobId\":\"p-1\",\"status\":\"completed\",\"completed\":"
                   "true,\"failed\":false,\"imageUrl\":\"/images/p-1.webp\","
                   "\"metadata\":{\"width\":375,\"height\":812,\"size\":9,"
                   "\"format\":\"webp\"},\"error\":null,\"errorCode\":null}");

    assert_int_equal(e.kind, EVENT_COMPLETED);
    assert_string_equal(e.image_url, "/images/p-1.webp");
    assert_int_equal(e.width, 375);
    event_release(&e);
    check_kind(f->status, "{\"status\":\"queued\"}", EVENT_PROGRESS);
    check_kind(f->status, "{\"status\":\"processing\"}", EVENT_PROGRESS);
    check_kind(f->status, "{\"status\":\"failed\"}", EVENT_FAILED);
    check_kind(f->status, "{\"status\":\"archived\"}", EVENT_IGNORED);
    check_kind(f->status, "{\"error\":\"not found\"}", EVENT_FAILED);
}

static void words_decide_and_have_no_case(void **state)
{
    struct fixture *f = *state;

    check_kind(f->webhook, "{\"event\":\"Screenshot.Completed\"}",
               EVENT_COMPLETED);
    check_kind(f->webhook, "{\"status\":\"FAILED\"}", EVENT_FAILED);
    check_kind(f->webhook, "{\"event\":\"screenshot.archived\"}",
               EVENT_IGNORED);
    check_kind(f->webhook, "{\"event\":\"\"}", EVENT_IGNORED);
    /* a word weighs more than what else is there, the event most */
    check_kind(f->webhook,
               "{\"event\":\"screenshot.failed\",\"success\":true,"
               "\"imageUrl\":\"/x.png\",\"status\":\"completed\"}",
               EVENT_FAILED);
    check_kind(f->webhook,
               "{\"event\":\"billing.paid\",\"success\":true,\"url\":\"/x\"}",
               EVENT_IGNORED);
}

static void without_a_word_the_rest_decides(void **state)
{
    struct fixture *f = *state;

    check_kind(f->webhook, "{\"success\":true}", EVENT_COMPLETED);
    check_kind(f->webhook, "{\"success\":false,\"imageUrl\":\"/x.png\"}",
               EVENT_FAILED);
    check_kind(f->webhook, "{\"imageUrl\":\"/x.png\",\"error\":\"slow\"}",
               EVENT_COMPLETED);
    check_kind(f->webhook, "{\"error\":\"no\"}", EVENT_FAILED);
    check_kind(f->webhook, "{\"errorCode\":\"TIMEOUT\"}", EVENT_FAILED);
    check_kind(f->webhook, "{}", EVENT_UNCLEAR);
    check_kind(f->webhook, "{\"jobId\":\"p-1\"}", EVENT_UNCLEAR);
    check_kind(f->webhook, "{\"success\":\"true\"}", EVENT_UNCLEAR);
    check_kind(f->webhook, "{\"success\":1,\"event\":7,\"status\":null}",
               EVENT_UNCLEAR);
}

static void places_are_tried_in_order(void **state)
{
    struct fixture *f = *state;
    struct event e = parse(f->webhook, "{\"jobId\":\"outer\",\"data\":{"
                                       "\"jobId\":\"inner\",\"imageUrl\":5},"
                                       "\"url\":\"/last.png\"}");

    assert_string_equal(e.provider_job, "inner");
    assert_string_equal(e.image_url, "/last.png");
    event_release(&e);
}

static void job_ids_may_be_numbers(void **state)
{
    struct fixture *f = *state;
    struct event e = parse(f->webhook, "{\"jobId\":1234567890123}");

    assert_string_equal(e.provider_job, "1234567890123");
    event_release(&e);
    e = parse(f->webhook, "{\"jobId\":-1}");
    assert_null(e.provider_job);
    event_release(&e);
    e = parse(f->webhook, "{\"jobId\":\"\"}");
    assert_null(e.provider_job);
    event_release(&e);
}

static void numbers_out_of_range_are_not_said(void **state)
{
    static const struct {
        const char *json;
        int64_t width, size_bytes, progress;
    } cases[] = {
        { "-1", -1, -1, -1 },
        { "0", -1, 0, 0 },
        { "1", 1, 1, 1 },
        { "100", 100, 100, 100 },
        { "101", 101, 101, -1 },
        { "33.7", 33, 33, 33 },
        { "2147483647", 2147483647, 2147483647, -1 },
        { "2147483648", -1, 2147483648, -1 },
        { "99999999999999999999", -1, -1, -1 },
        { "1e400", -1, -1, -1 },
        { "\"7\"", -1, -1, -1 },
        { "true", -1, -1, -1 },
        { "null", -1, -1, -1 },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char body[256];
        struct event e;

        snprintf(body, sizeof body,
                 "{\"metadata\":{\"width\":%s,\"height\":%s,\"size\":%s},"
                 "\"progress\":%s}",
                 cases[i].json, cases[i].json, cases[i].json, cases[i].json);
        e = parse(f->webhook, body);
        print_message("  %s\n", cases[i].json);
        assert_int_equal(e.width, cases[i].width);
        assert_int_equal(e.height, cases[i].width);
        assert_int_equal(e.size_bytes, cases[i].size_bytes);
        assert_int_equal(e.progress, cases[i].progress);
        event_release(&e);
    }
}

/* {"NAME":"aaa…TAIL"} with `len` a's. */
static struct event parse_long(const struct payload_map *map, const char *name,
                               size_t len, const char *tail)
{
    char *body = malloc(len + 100);
    struct event e;
    size_t used = 0;

    assert_non_null(body);
    used = (size_t)snprintf(body, 50, "{\"%s\":\"", name);
    memset(body + used, 'a', len);
    snprintf(body + used + len, 50, "%s\"}", tail);
    e = parse(map, body);
    free(body);
    return e;
}

static void image_urls_have_an_exact_limit(void **state)
{
    struct fixture *f = *state;

    for (size_t len = LIMIT_URL_BYTES - 1; len <= LIMIT_URL_BYTES + 1; len++) {
        struct event e = parse_long(f->webhook, "imageUrl", len, "");

        assert_int_equal(e.image_url != NULL, len <= LIMIT_URL_BYTES);
        event_release(&e);
    }
}

static void errors_are_cut_between_characters(void **state)
{
    static const char euro[] = "\xe2\x82\xac"; /* three bytes */
    struct fixture *f = *state;

    for (size_t len = LIMIT_ERROR_BYTES - 4; len <= LIMIT_ERROR_BYTES + 1;
         len++) {
        struct event e = parse_long(f->webhook, "error", len, euro);
        size_t whole = len + 3 <= LIMIT_ERROR_BYTES ? len + 3 : len;

        assert_int_equal(strlen(e.error),
                         whole < LIMIT_ERROR_BYTES ? whole : LIMIT_ERROR_BYTES);
        event_release(&e);
    }
}

static void names_have_an_exact_limit(void **state)
{
    struct fixture *f = *state;

    for (size_t len = 255; len <= 257; len++) {
        struct event e = parse_long(f->webhook, "jobId", len, "");

        assert_int_equal(e.provider_job != NULL, len <= 256);
        event_release(&e);
        e = parse_long(f->webhook, "errorCode", len, "");
        assert_int_equal(e.error_code != NULL, len <= 256);
        event_release(&e);
        e = parse_long(f->webhook, "event", len, "");
        assert_int_equal(strlen(e.word), len <= 256 ? len : 256);
        assert_int_equal(e.kind, EVENT_IGNORED);
        event_release(&e);
    }
}

static void what_is_no_object_is_refused(void **state)
{
    static const struct {
        const char *body, *error;
    } cases[] = {
        { "", "unexpected end at byte 0, line 1" },
        { "[]", "not a JSON object" },
        { "\"x\"", "not a JSON object" },
        { "1", "not a JSON object" },
        { "null", "null is no value here" },
        { "jobId=1", "unexpected character at byte 0, line 1" },
        { "{\"a\":\"\xff\"}", "invalid UTF-8 at byte 6, line 1" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event e;
        struct event_source source = { .body = cases[i].body,
                                       .body_len = strlen(cases[i].body) };
        char error[256] = "";

        assert_int_equal(
            event_parse(&e, f->webhook, &source, error, sizeof error), -1);
        assert_string_equal(error, cases[i].error);
        assert_int_equal(e.kind, EVENT_UNCLEAR);
        event_release(&e);
    }
}

/* a profile made for the test */

static struct profile profile_of(const char *payload)
{
    char *text = mem_format("{\"name\":\"x\",\"webhook\":{\"auth\":{\"kind\":"
                            "\"url-token\"},\"payload\":%s}}",
                            payload);
    struct profile p;
    char error[512];

    if (profile_parse(&p, "x.json", text, strlen(text), error, sizeof error) !=
        0)
        fail_msg("%s", error);
    free(text);
    return p;
}

static const char a_png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x04\0\0\0\x03"
                            "\x08\x02\0\0\0\0\0\0\0";

static void headers_and_parameters_are_places(void **state)
{
    struct profile p = profile_of(
        "{\"event\":[\"header:X-Event\",\"body:event\"],"
        "\"job_id\":\"query:id\",\"own_job_id\":[\"header:X-Job\","
        "\"body:mine\"],\"success\":\"header:X-Ok\","
        "\"image\":\"header:X-Image\",\"error_code\":\"header:X-Code\","
        "\"width\":\"header:X-Width\",\"progress\":\"query:p\","
        "\"words\":{\"done\":\"completed\",\"broken\":\"failed\"}}");
    struct event_source source = {
        .body = "{\"event\":\"broken\",\"mine\":"
                "\"550e8400-e29b-41d4-a716-446655440000\"}",
        .head = "{\"header:X-Event\":\"Done\",\"query:id\":\"p7\","
                "\"header:X-Job\":\"nobody\",\"header:X-Image\":\"/x.png\","
                "\"header:X-Code\":\"E1\",\"header:X-Width\":\"40\","
                "\"query:p\":\"101\"}",
    };
    struct event e;
    char error[256];

    (void)state;
    source.body_len = strlen(source.body);
    assert_int_equal(p.webhook.payload.outside.count, 8);
    assert_int_equal(
        event_parse(&e, &p.webhook.payload, &source, error, sizeof error), 0);
    assert_int_equal(e.kind, EVENT_COMPLETED);
    assert_string_equal(e.word, "Done");
    assert_string_equal(e.provider_job, "p7");
    /* only a UUID can be ours */
    assert_string_equal(e.own_job, "550e8400-e29b-41d4-a716-446655440000");
    assert_string_equal(e.image_url, "/x.png");
    assert_string_equal(e.error_code, "E1");
    assert_int_equal(e.width, 40);
    assert_int_equal(e.progress, -1);
    event_release(&e);

    source.head = NULL; /* then the body is asked */
    assert_int_equal(
        event_parse(&e, &p.webhook.payload, &source, error, sizeof error), 0);
    assert_int_equal(e.kind, EVENT_FAILED);
    event_release(&e);

    source.body = "{}";
    source.body_len = 2;
    source.head = "{\"header:X-Ok\":\"TRUE\",\"header:X-Width\":\"4x\"}";
    assert_int_equal(
        event_parse(&e, &p.webhook.payload, &source, error, sizeof error), 0);
    assert_int_equal(e.kind, EVENT_COMPLETED);
    assert_int_equal(e.width, -1);
    event_release(&e);
    profile_release(&p);
}

static void pictures_in_base64(void **state)
{
    static const struct {
        const char *before, *after;
        bool is_picture;
    } cases[] = {
        { "", "", true },
        { "data:image/png;base64,", "", true },
        { "data:;base64,", "", true },
        { "data:image/png,", "", false },
        { "data:", "", false },
        { "", "=", false },
        { " ", "", false },
        { "", "\\n", false },
    };
    struct profile p = profile_of("{\"image_base64\":\"body:png\"}");
    char *encoded =
        base64_encode((const uint8_t *)a_png, sizeof a_png - 1, false);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *body = mem_format("{\"png\":\"%s%s%s\"}", cases[i].before,
                                encoded, cases[i].after);
        struct event e = parse(&p.webhook.payload, body);

        print_message("  %s\n", body);
        assert_int_equal(e.picture != NULL, cases[i].is_picture);
        if (e.picture) {
            assert_int_equal(e.kind, EVENT_COMPLETED);
            assert_int_equal(e.picture_len, sizeof a_png - 1);
            assert_memory_equal(e.picture, a_png, e.picture_len);
        }
        event_release(&e);
        free(body);
    }
    free(encoded);
    profile_release(&p);
}

static void a_body_may_be_the_picture(void **state)
{
    static const struct {
        const char *type;
        bool is_picture;
    } cases[] = {
        { "image/png", true },
        { "application/octet-stream", true },
        { "", true },
        { NULL, true },
        { "text/json", true },
        { "application/json", false },
        { "APPLICATION/JSON; charset=utf-8", false },
        { "application/problem+json", false },
        { "application/jsonx", true },
        { "+json", true },
    };
    struct fixture *f = *state;
    const struct payload_map *map =
        &profiles_find(&f->profiles, "gotenberg")->webhook.payload;
    char error[256];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event_source source = { .body = a_png,
                                       .body_len = sizeof a_png - 1,
                                       .type = cases[i].type };
        struct event e;

        print_message("  %s\n", cases[i].type ? cases[i].type : "-");
        assert_int_equal(payload_is_picture(map, cases[i].type),
                         cases[i].is_picture);
        assert_int_equal(event_parse(&e, map, &source, error, sizeof error),
                         cases[i].is_picture ? 0 : -1);
        assert_ptr_equal(e.picture, cases[i].is_picture ? a_png : NULL);
        event_release(&e);

        source.body = "{\"status\":503,\"message\":\"too busy\"}";
        source.body_len = strlen(source.body);
        assert_int_equal(event_parse(&e, map, &source, error, sizeof error),
                         cases[i].is_picture ? -1 : 0);
        if (cases[i].is_picture) {
            assert_string_equal(error,
                                "neither JSON nor PNG, JPEG, WebP or PDF");
        } else {
            assert_int_equal(e.kind, EVENT_FAILED);
            assert_string_equal(e.error, "too busy");
            assert_string_equal(e.error_code, "503");
        }
        event_release(&e);
    }
    assert_false(payload_is_picture(f->webhook, "image/png"));
}

/* The bodies that the others' documentation shows. */
static void other_shipped_profiles_read_their_bodies(void **state)
{
    static const struct {
        const char *profile, *body;
        enum event_kind kind;
        const char *image, *error, *job;
    } cases[] = {
        { "urlbox",
          "{\"event\":\"render.succeeded\",\"renderId\":\"19a5\",\"result\":"
          "{\"renderUrl\":\"https://renders/x.png\",\"size\":34097},\"meta\":"
          "{\"startTime\":\"2024-01-11T17:49:18.593Z\"}}",
          EVENT_COMPLETED, "https://renders/x.png", NULL, "19a5" },
        { "urlbox",
          "{\"event\":\"render.failed\",\"renderId\":\"3004\",\"error\":"
          "{\"message\":\"Page returned 400\"},\"meta\":{}}",
          EVENT_FAILED, NULL, "Page returned 400", "3004" },
        { "rendershot",
          "{\"event\":\"job.completed\",\"job_id\":\"abc\",\"status\":"
          "\"completed\",\"job_type\":\"screenshot\",\"format\":\"png\","
          "\"result_url\":\"https://api/v1/jobs/abc/result\"}",
          EVENT_COMPLETED, "https://api/v1/jobs/abc/result", NULL, "abc" },
        { "rendershot",
          "{\"event\":\"job.failed\",\"job_id\":\"abc\",\"status\":\"failed\","
          "\"error_message\":\"Render timed out after 30s\"}",
          EVENT_FAILED, NULL, "Render timed out after 30s", "abc" },
        { "screenshotone", "{\"store\":{\"location\":\"https://s3/x.png\"}}",
          EVENT_COMPLETED, "https://s3/x.png", NULL, NULL },
        { "standard-webhooks",
          "{\"type\":\"screenshot.completed\",\"timestamp\":"
          "\"2023-11-14T22:13:20Z\",\"data\":{\"id\":\"s1\",\"imageUrl\":"
          "\"https://cdn/s1.png\"}}",
          EVENT_COMPLETED, "https://cdn/s1.png", NULL, "s1" },
        { "scrapfly",
          "{\"result\":{\"screenshot_url\":\"https://api/x.png\"},\"context\":"
          "{\"webhook\":{\"name\":\"w\",\"secret\":\"[redacted]\"},\"job\":"
          "{\"uuid\":\"550e8400-e29b-41d4-a716-446655440000\"}}}",
          EVENT_COMPLETED, "https://api/x.png", NULL,
          "550e8400-e29b-41d4-a716-446655440000" },
        { "generic-token", "{\"status\":\"done\",\"url\":\"https://x/y.png\"}",
          EVENT_COMPLETED, "https://x/y.png", NULL, NULL },
        { "generic-token", "{\"success\":false,\"error\":\"no\",\"id\":7}",
          EVENT_FAILED, NULL, "no", "7" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct profile *p = profiles_find(&f->profiles, cases[i].profile);
        struct event e;

        assert_non_null(p);
        e = parse(&p->webhook.payload, cases[i].body);
        print_message("  %s: %s\n", p->name, event_kind_name(e.kind));
        assert_int_equal(e.kind, cases[i].kind);
        assert_string_equal(e.image_url ? e.image_url : "-",
                            cases[i].image ? cases[i].image : "-");
        assert_string_equal(e.error ? e.error : "-",
                            cases[i].error ? cases[i].error : "-");
        assert_string_equal(e.provider_job ? e.provider_job : "-",
                            cases[i].job ? cases[i].job : "-");
        event_release(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_event_form),
        cmocka_unit_test(the_flat_form),
        cmocka_unit_test(the_flat_status_form),
        cmocka_unit_test(a_status_answer),
        cmocka_unit_test(words_decide_and_have_no_case),
        cmocka_unit_test(without_a_word_the_rest_decides),
        cmocka_unit_test(places_are_tried_in_order),
        cmocka_unit_test(job_ids_may_be_numbers),
        cmocka_unit_test(numbers_out_of_range_are_not_said),
        cmocka_unit_test(image_urls_have_an_exact_limit),
        cmocka_unit_test(errors_are_cut_between_characters),
        cmocka_unit_test(names_have_an_exact_limit),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(headers_and_parameters_are_places),
        cmocka_unit_test(pictures_in_base64),
        cmocka_unit_test(a_body_may_be_the_picture),
        cmocka_unit_test(other_shipped_profiles_read_their_bodies),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
