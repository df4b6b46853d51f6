/* Every limit of a Redis at n-1, n and n+1. */
#include <string.h>

#include "ingest/load.h"
#include "tests/unit/unit.h"

static const struct ingest_settings settings = { .redis_memory_percent = 90,
                                                 .stream_max_length = 1000,
                                                 .stream_max_age_s = 600 };
enum { NOW_MS = 100 * 1000 * 1000 };

static void expect(const struct load *l, const struct ingest_settings *s,
                   bool too_much, enum unavailable expected, const char *word)
{
    enum unavailable why = UNAVAILABLE_COUNT;
    char reason[LOAD_REASON_SIZE] = "old";

    assert_int_equal(load_is_too_much(l, s, NOW_MS, &why, reason), too_much);
    if (too_much) {
        assert_int_equal(why, expected);
        assert_non_null(strstr(reason, word));
    } else {
        assert_string_equal(reason, "");
    }
}

static void memory(void **state)
{
    (void)state;
    for (int64_t by = -1; by <= 1; by++) {
        struct load l = { .memory_bytes = 90 * 1000 + by,
                          .memory_limit_bytes = 100 * 1000,
                          .oldest_ms = INT64_MAX };

        expect(&l, &settings, by >= 0, UNAVAILABLE_MEMORY, "of 100000 bytes");
        assert_int_equal(load_memory_percent(&l), by < 0 ? 89 : 90);
        l.memory_limit_bytes = 0; /* Redis has none */
        expect(&l, &settings, false, 0, "");
        assert_int_equal(load_memory_percent(&l), 0);
    }
}

static void length(void **state)
{
    struct ingest_settings any = settings;

    (void)state;
    any.stream_max_length = 0;
    for (int64_t by = -1; by <= 1; by++) {
        const struct load l = { .length = 1000 + by, .oldest_ms = INT64_MAX };

        expect(&l, &settings, by >= 0, UNAVAILABLE_STREAM_LENGTH,
               "wait for workers");
        expect(&l, &any, false, 0, "");
    }
}

static void age(void **state)
{
    struct ingest_settings any = settings;

    (void)state;
    any.stream_max_age_s = 0;
    for (int64_t by_ms = -1; by_ms <= 1; by_ms++) {
        const struct load l = { .length = 1,
                                .oldest_ms = NOW_MS - 600 * 1000 - by_ms };

        assert_int_equal(load_age_s(&l, NOW_MS), by_ms < 0 ? 599 : 600);
        expect(&l, &settings, by_ms >= 0, UNAVAILABLE_STREAM_AGE,
               "has waited for 600 s");
        expect(&l, &any, false, 0, "");
    }
}

static void nothing_at_all(void **state)
{
    const struct load l = { .oldest_ms = INT64_MAX };

    (void)state;
    expect(&l, &settings, false, 0, "");
    assert_int_equal(load_age_s(&l, NOW_MS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory),
        cmocka_unit_test(length),
        cmocka_unit_test(age),
        cmocka_unit_test(nothing_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
