#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/callback.h"

static const char body[] =
    "{\"success\":true,\"imageUrl\":\"http://127.0.0.1:9/"
    "x.png\",\"error\":null,\"metadata\":{\"width\":1,"
    "\"height\":1,\"size\":67}}";

static void every_key_signs(void **state)
{
    struct secret items[] = { { "whsec_test", 10, NULL }, { "old", 3, NULL } };
    struct secrets keys = { items, 1 };
    char *one = callback_signature(&keys, "msg_1", 1700000000, body);
    char *two;

    (void)state;
    assert_string_equal(one, "v1,rWgpPKXxjNihvG0d5YjcfQY+nlxVPcFsMEZ7UoKYpRA=");
    keys.count = 2;
    two = callback_signature(&keys, "msg_1", 1700000000, body);
    assert_memory_equal(two, one, strlen(one));
    assert_memory_equal(two + strlen(one), " v1,", 4);
    assert_int_equal(strlen(two), 2 * strlen(one) + 1);
    assert_null(strstr(two + 1, one)); /* another key, another signature */
    free(one);
    free(two);
}

static void the_body_holds_the_document(void **state)
{
    char *text = callback_body("job.failed", "2026-01-31T12:00:00.123Z",
                               "{\"jobId\":\"x\"}");

    (void)state;
    assert_string_equal(text, "{\"type\":\"job.failed\",\"timestamp\":"
                              "\"2026-01-31T12:00:00.123Z\",\"data\":"
                              "{\"jobId\":\"x\"}}");
    free(text);
}

static void answers_are_judged(void **state)
{
    static const struct {
        enum http_failure failure;
        unsigned status;
        enum callback_outcome outcome;
        const char *error;
    } cases[] = {
        { HTTP_OK, 199, CALLBACK_FAILED, "HTTP 199" },
        { HTTP_OK, 200, CALLBACK_DELIVERED, "" },
        { HTTP_OK, 299, CALLBACK_DELIVERED, "" },
        { HTTP_OK, 300, CALLBACK_FAILED, "HTTP 300" },
        { HTTP_OK, 404, CALLBACK_FAILED, "HTTP 404" },
        { HTTP_OK, 410, CALLBACK_STOPPED, "HTTP 410" },
        { HTTP_OK, 429, CALLBACK_FAILED, "HTTP 429" },
        { HTTP_OK, 503, CALLBACK_FAILED, "HTTP 503" },
        { HTTP_BLOCKED, 0, CALLBACK_STOPPED, "why" },
        { HTTP_BAD_URL, 0, CALLBACK_STOPPED, "why" },
        { HTTP_UNRESOLVED, 0, CALLBACK_FAILED, "why" },
        { HTTP_UNREACHABLE, 0, CALLBACK_FAILED, "why" },
        { HTTP_TIMED_OUT, 0, CALLBACK_FAILED, "why" },
        { HTTP_TOO_LARGE, 0, CALLBACK_FAILED, "why" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_answer answer = {
            .failure = cases[i].failure,
            .status = cases[i].status,
            .error = cases[i].failure == HTTP_OK ? "" : "why",
        };
        char error[64];

        assert_int_equal(callback_judge(&answer, error, sizeof error),
                         cases[i].outcome);
        assert_string_equal(error, cases[i].error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_signs),
        cmocka_unit_test(the_body_holds_the_document),
        cmocka_unit_test(answers_are_judged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
