/* Once a minute while a trouble lasts. */
#include "worker/reminder.h"

#include "unit.h"

static void at_once_and_then_once_a_minute(void **state)
{
    struct reminder r = { 0 };

    (void)state;
    assert_true(reminder_due(&r, 0)); /* a clock may begin with that */
    assert_false(reminder_due(&r, 0));
    assert_false(reminder_due(&r, 59999));
    assert_true(reminder_due(&r, 60000));
    assert_false(reminder_due(&r, 60001));
    assert_false(reminder_due(&r, 119999));
    assert_true(reminder_due(&r, 200000)); /* by when it was said, not due */
    assert_false(reminder_due(&r, 259999));
    assert_true(reminder_due(&r, 260000));
}

static void the_next_trouble_is_said_at_once(void **state)
{
    struct reminder r = { 0 };

    (void)state;
    assert_false(reminder_clear(&r));
    assert_true(reminder_due(&r, 1000));
    assert_true(reminder_clear(&r));
    assert_false(reminder_clear(&r));
    assert_true(reminder_due(&r, 1001));
    assert_false(reminder_due(&r, 61000));
    assert_true(reminder_due(&r, 61001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_once_and_then_once_a_minute),
        cmocka_unit_test(the_next_trouble_is_said_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
