/* The last refusals: kept by reason, given out in order, never torn. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/json.h"
#include "ingest/rejected.h"
#include "tests/unit/unit.h"

enum { OUT_MAX = 16 * 1024 * 1024 };

static void put(struct rejected *r, unsigned process, unsigned reason,
                int64_t at_ms)
{
    rejected_put(r, process, reason,
                 &(struct rejection){ .at_ms = at_ms, .reason = "signature" });
}

/* The documents that are given out; how many. */
static size_t render(const struct rejected *r, struct json_object **documents,
                     size_t max)
{
    struct buf out;
    char error[128];
    size_t count = 0;

    buf_init(&out, OUT_MAX);
    assert_int_equal(0, rejected_render(r, &out));
    for (const char *line = out.data; line && *line; count++) {
        const char *end = strchr(line, '\n');

        assert_non_null(end);
        assert_true(count < max);
        documents[count] =
            json_parse(line, (size_t)(end - line), error, sizeof error);
        assert_non_null(documents[count]);
        line = end + 1;
    }
    buf_release(&out);
    return count;
}

static void expect(const struct rejected *r, size_t expected, int64_t first_ms)
{
    struct json_object *documents[64];
    size_t count = render(r, documents, ARRAY_LEN(documents));

    assert_int_equal(count, expected);
    for (size_t i = 0; i < count; i++) {
        char at[64];

        snprintf(at, sizeof at, "1970-01-01T00:00:00.%03dZ",
                 (int)first_ms + (int)i);
        assert_string_equal(json_text(documents[i], "at"), at);
        json_object_put(documents[i]);
    }
}

static void the_last_ones_of_a_reason(void **state)
{
    struct rejected *r = rejected_new(1, 1);

    (void)state;
    expect(r, 0, 0);
    for (int64_t i = 1; i <= REJECTED_KEPT + 2; i++) {
        put(r, 0, 0, i);
        if (i <= REJECTED_KEPT)
            expect(r, (size_t)i, 1);
        else
            expect(r, REJECTED_KEPT, i - REJECTED_KEPT + 1);
    }
    rejected_free(r);
}

static void a_flood_of_one_reason_leaves_the_others(void **state)
{
    struct json_object *documents[64];
    struct rejected *r = rejected_new(2, 2);
    size_t count;

    (void)state;
    put(r, 1, 1, 7);
    for (int i = 0; i < 100000; i++)
        put(r, 0, 0, 8);
    count = render(r, documents, ARRAY_LEN(documents));
    assert_int_equal(count, REJECTED_KEPT + 1);
    assert_string_equal(json_text(documents[0], "at"),
                        "1970-01-01T00:00:00.007Z");
    for (size_t i = 0; i < count; i++)
        json_object_put(documents[i]);
    rejected_free(r);
}

/* in the order in which they came, whatever the clock said */
static void processes_are_merged(void **state)
{
    struct json_object *documents[3];
    struct rejected *r = rejected_new(3, 1);
    pid_t child;
    int status = 0;

    (void)state;
    put(r, 2, 0, 3);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        put(r, 0, 0, 2);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    put(r, 1, 0, 1);
    assert_int_equal(render(r, documents, 3), 3);
    for (size_t i = 0; i < 3; i++) {
        char at[64];

        snprintf(at, sizeof at, "1970-01-01T00:00:00.%03dZ", 3 - (int)i);
        assert_string_equal(json_text(documents[i], "at"), at);
        json_object_put(documents[i]);
    }
    rejected_free(r);
}

static void no_more_than_so_many_are_given_out(void **state)
{
    enum { REASONS = REJECTED_TOLD / REJECTED_KEPT + 1 };
    static struct json_object *documents[REJECTED_TOLD + 1];

    (void)state;
    for (int more = -1; more <= 1; more++) {
        struct rejected *r = rejected_new(1, REASONS);
        size_t count;

        for (int i = 0; i < REJECTED_TOLD + more; i++)
            put(r, 0, (unsigned)i / REJECTED_KEPT, i);
        count = render(r, documents, ARRAY_LEN(documents));
        assert_int_equal(count, REJECTED_TOLD + (more < 0 ? more : 0));
        assert_string_equal(json_text(documents[0], "at"),
                            more > 0 ? "1970-01-01T00:00:00.001Z"
                                     : "1970-01-01T00:00:00.000Z");
        for (size_t i = 0; i < count; i++)
            json_object_put(documents[i]);
        rejected_free(r);
    }
}

/* Cut where the slot ends, and made printable. */
static void texts_at_their_limit(void **state)
{
    struct rejected *r = rejected_new(1, 1);
    struct json_object *documents[4];
    char text[161];

    (void)state;
    for (size_t len = 158; len <= 160; len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        rejected_put(r, 0, 0,
                     &(struct rejection){ .reason = "body", .detail = text });
    }
    rejected_put(r, 0, 0,
                 &(struct rejection){ .reason = "body",
                                      .detail = "a\"\n\x1b[31m\xff\xc3" });
    assert_int_equal(render(r, documents, 4), 4);
    assert_int_equal(strlen(json_text(documents[0], "detail")), 158);
    assert_int_equal(strlen(json_text(documents[1], "detail")), 159);
    assert_int_equal(strlen(json_text(documents[2], "detail")), 159);
    assert_string_equal(json_text(documents[3], "detail"),
                        "a\"\n\x1b[31m\xef\xbf\xbd\xef\xbf\xbd");
    assert_null(json_text(documents[3], "ip"));
    for (size_t i = 0; i < 4; i++)
        json_object_put(documents[i]);
    rejected_free(r);
}

static void a_full_buffer(void **state)
{
    struct rejected *r = rejected_new(1, 1);
    struct buf out;

    (void)state;
    put(r, 0, 0, 1);
    buf_init(&out, 40); /* a document is longer */
    assert_int_equal(-1, rejected_render(r, &out));
    buf_release(&out);
    rejected_free(r);
    rejected_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_ones_of_a_reason),
        cmocka_unit_test(a_flood_of_one_reason_leaves_the_others),
        cmocka_unit_test(processes_are_merged),
        cmocka_unit_test(no_more_than_so_many_are_given_out),
        cmocka_unit_test(texts_at_their_limit),
        cmocka_unit_test(a_full_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
