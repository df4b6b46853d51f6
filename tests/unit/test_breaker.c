/* The circuit breaker, with a clock of our own. */
#include <stdio.h>

#include "common/log.h"
#include "tests/unit/unit.h"
#include "worker/breaker.h"

#define HOST "pictures.example"

static struct breakers *new_quiet(void)
{
    log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    return breakers_new();
}

static void fails(struct breakers *b, int times, int64_t now_ms)
{
    for (int i = 0; i < times; i++)
        breaker_report(b, HOST, false, now_ms);
}

static void opens_after_five_failures_in_a_row(void **state)
{
    struct breakers *b = new_quiet();

    (void)state;
    fails(b, 4, 0);
    assert_int_equal(breaker_wait_ms(b, HOST, 0), 0);
    breaker_report(b, HOST, true, 0);
    fails(b, 4, 0);
    assert_int_equal(breaker_wait_ms(b, HOST, 0), 0);
    fails(b, 1, 0);
    assert_int_equal(breaker_wait_ms(b, HOST, 0), 2000);
    assert_int_equal(breaker_wait_ms(b, HOST, 1999), 1);
    assert_int_equal(breaker_wait_ms(b, "other.example", 0), 0);
    breakers_free(b);
}

static void one_tries_the_others_wait(void **state)
{
    struct breakers *b = new_quiet();

    (void)state;
    fails(b, 5, 0);
    assert_int_equal(breaker_wait_ms(b, HOST, 2000), 0);
    assert_true(breaker_wait_ms(b, HOST, 2000) > 0);
    breaker_report(b, HOST, true, 2500);
    assert_int_equal(breaker_wait_ms(b, HOST, 2500), 0);
    assert_int_equal(breaker_wait_ms(b, HOST, 2500), 0);
    breakers_free(b);
}

static void the_pause_doubles_up_to_a_minute(void **state)
{
    struct breakers *b = new_quiet();
    int64_t now = 0, expected = 2000;

    (void)state;
    fails(b, 5, now);
    for (int i = 0; i < 8; i++) {
        now += expected;
        assert_int_equal(breaker_wait_ms(b, HOST, now), 0);
        breaker_report(b, HOST, false, now);
        expected = expected * 2 < 60000 ? expected * 2 : 60000;
        assert_int_equal(breaker_wait_ms(b, HOST, now), expected);
    }
    breakers_free(b);
}

static void a_trial_that_never_reports_is_not_forever(void **state)
{
    struct breakers *b = new_quiet();

    (void)state;
    fails(b, 5, 0);
    assert_int_equal(breaker_wait_ms(b, HOST, 2000), 0);
    assert_int_equal(breaker_wait_ms(b, HOST, 2000), 30000);
    assert_int_equal(breaker_wait_ms(b, HOST, 32000), 0);
    breakers_free(b);
}

static void failures_that_were_under_way_do_not_prolong(void **state)
{
    struct breakers *b = new_quiet();

    (void)state;
    fails(b, 5, 0);
    fails(b, 20, 100);
    assert_int_equal(breaker_wait_ms(b, HOST, 100), 1900);
    breakers_free(b);
}

static void a_host_may_ask_for_a_pause(void **state)
{
    struct breakers *b = new_quiet();

    (void)state;
    breaker_pause(b, HOST, 60000, 0);
    assert_int_equal(breaker_wait_ms(b, HOST, 1), 59999);
    assert_int_equal(breaker_wait_ms(b, HOST, 60000), 0);
    breakers_free(b);
}

static void many_hosts_are_bounded(void **state)
{
    struct breakers *b = new_quiet();
    char host[32];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(host, sizeof host, "host-%d.example", i);
        assert_int_equal(breaker_wait_ms(b, host, i), 0);
    }
    breakers_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_after_five_failures_in_a_row),
        cmocka_unit_test(one_tries_the_others_wait),
        cmocka_unit_test(the_pause_doubles_up_to_a_minute),
        cmocka_unit_test(a_trial_that_never_reports_is_not_forever),
        cmocka_unit_test(failures_that_were_under_way_do_not_prolong),
        cmocka_unit_test(a_host_may_ask_for_a_pause),
        cmocka_unit_test(many_hosts_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
