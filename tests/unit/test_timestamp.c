#include "common/timestamp.h"
#include "tests/unit/unit.h"

static const int64_t last_ms = INT64_C(253402300799999);

static void check(enum timestamp_unit unit, const char *text, int64_t expected)
{
    int64_t ms = -7;
    int result = timestamp_parse(text, unit, &ms);

    print_message("  \"%s\"\n", text);
    assert_int_equal(result, expected < 0 ? -1 : 0);
    assert_int_equal(ms, expected < 0 ? -7 : expected);
}

static void numbers(void **state)
{
    (void)state;
    check(TIMESTAMP_SECONDS, "0", 0);
    check(TIMESTAMP_SECONDS, "1700000000", INT64_C(1700000000000));
    check(TIMESTAMP_SECONDS, "253402300799", last_ms - 999);
    check(TIMESTAMP_SECONDS, "253402300800", -1);
    check(TIMESTAMP_MILLISECONDS, "1700000000123", INT64_C(1700000000123));
    check(TIMESTAMP_MILLISECONDS, "253402300799999", last_ms);
    check(TIMESTAMP_MILLISECONDS, "253402300800000", -1);
    check(TIMESTAMP_MILLISECONDS, "0000000000000001", -1);
    check(TIMESTAMP_MILLISECONDS, "99999999999999999999999", -1);
    check(TIMESTAMP_SECONDS, "", -1);
    check(TIMESTAMP_SECONDS, " 1", -1);
    check(TIMESTAMP_SECONDS, "1 ", -1);
    check(TIMESTAMP_SECONDS, "+1", -1);
    check(TIMESTAMP_SECONDS, "-1", -1);
    check(TIMESTAMP_SECONDS, "1.5", -1);
    check(TIMESTAMP_SECONDS, "0x10", -1);
    check(TIMESTAMP_NONE, "1", -1);
}

static void dates(void **state)
{
    (void)state;
    check(TIMESTAMP_ISO8601, "1970-01-01T00:00:00Z", 0);
    check(TIMESTAMP_ISO8601, "2023-11-14T22:13:20Z", INT64_C(1700000000000));
    check(TIMESTAMP_ISO8601, "2023-11-14T22:13:20.5Z", INT64_C(1700000000500));
    check(TIMESTAMP_ISO8601, "2023-11-14T22:13:20.123456789Z",
          INT64_C(1700000000123));
    check(TIMESTAMP_ISO8601, "2023-11-15T00:13:20+02:00",
          INT64_C(1700000000000));
    check(TIMESTAMP_ISO8601, "2023-11-14T16:43:20.000-05:30",
          INT64_C(1700000000000));
    check(TIMESTAMP_ISO8601, "2024-02-29T00:00:00Z", INT64_C(1709164800000));
    check(TIMESTAMP_ISO8601, "2016-12-31T23:59:60Z", INT64_C(1483228800000));
    check(TIMESTAMP_ISO8601, "9999-12-31T23:59:59.999Z", last_ms);

    check(TIMESTAMP_ISO8601, "9999-12-31T23:59:59-00:01", -1);
    check(TIMESTAMP_ISO8601, "1970-01-01T00:00:00+00:01", -1);
    check(TIMESTAMP_ISO8601, "1969-12-31T23:59:59Z", -1);
    check(TIMESTAMP_ISO8601, "2023-02-29T00:00:00Z", -1);
    check(TIMESTAMP_ISO8601, "2000-02-29T00:00:00Z", INT64_C(951782400000));
    check(TIMESTAMP_ISO8601, "2100-02-29T00:00:00Z", -1);
    check(TIMESTAMP_ISO8601, "2023-13-01T00:00:00Z", -1);
    check(TIMESTAMP_ISO8601, "2023-00-01T00:00:00Z", -1);
    check(TIMESTAMP_ISO8601, "2023-04-31T00:00:00Z", -1);
    check(TIMESTAMP_ISO8601, "2023-01-01T24:00:00Z", -1);
    check(TIMESTAMP_ISO8601, "2023-01-01T00:60:00Z", -1);
    check(TIMESTAMP_ISO8601, "2023-01-01T00:00:61Z", -1);
    check(TIMESTAMP_ISO8601, "2023-01-01T00:00:00", -1);
    check(TIMESTAMP_ISO8601, "2023-01-01T00:00:00.Z", -1);
    check(TIMESTAMP_ISO8601, "2023-01-01T00:00:00.0000000000Z", -1);
    check(TIMESTAMP_ISO8601, "2023-01-01T00:00:00+24:00", -1);
    check(TIMESTAMP_ISO8601, "2023-01-01T00:00:00+0200", -1);
    check(TIMESTAMP_ISO8601, "2023-01-01 00:00:00Z", -1);
    check(TIMESTAMP_ISO8601, "2023-01-01T00:00:00Z ", -1);
    check(TIMESTAMP_ISO8601, "2023-1-1T0:0:0Z", -1);
    check(TIMESTAMP_ISO8601, "1700000000", -1);
    check(TIMESTAMP_ISO8601, "", -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
