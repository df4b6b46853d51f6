/* How fast and how many at once, over several processes. */
#include "worker/pace.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static void without_limits_everything_goes(void **state)
{
    struct paces *p = paces_new(2);
    struct pace *k = pace_of(p, "a");

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(pace_take(p, k, 0, 0, 5), 0);
    paces_free(p);
}

/* Ten a second: at 0, 100, 200 ms and not a millisecond before. */
static void so_many_in_a_second(void **state)
{
    struct paces *p = paces_new(1);
    struct pace *k = pace_of(p, "a");

    (void)state;
    assert_int_equal(pace_take(p, k, 10, 0, 1000), 0);
    assert_int_equal(pace_take(p, k, 10, 0, 1000), 100);
    assert_int_equal(pace_take(p, k, 10, 0, 1099), 1);
    assert_int_equal(pace_take(p, k, 10, 0, 1100), 0);
    assert_int_equal(pace_take(p, k, 10, 0, 1100), 100);
    /* a pause saves nothing up */
    assert_int_equal(pace_take(p, k, 10, 0, 9000), 0);
    assert_int_equal(pace_take(p, k, 10, 0, 9000), 100);
    paces_free(p);
}

static void so_many_at_once(void **state)
{
    struct paces *p = paces_new(1);
    struct pace *k = pace_of(p, "a");

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pace_take(p, k, 0, 3, 0), 0);
    assert_true(pace_take(p, k, 0, 3, 0) > 0);
    assert_int_equal(pace_take(p, pace_of(p, "b"), 0, 3, 0), 0);
    pace_done(p, k, 10);
    assert_int_equal(pace_take(p, k, 0, 3, 0), 0);
    assert_true(pace_take(p, k, 0, 3, 0) > 0);
    paces_free(p);
}

/* Children take 2 of 3; what a dead one had is free for its successor. */
static void processes_count_together(void **state)
{
    struct paces *p = paces_new(3);
    struct pace *k = pace_of(p, "a");

    (void)state;
    for (unsigned process = 0; process < 2; process++) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            paces_use_row(p, process);
            _exit(pace_take(p, pace_of(p, "a"), 0, 3, 0) == 0 ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    paces_use_row(p, 2);
    assert_int_equal(pace_take(p, k, 0, 3, 0), 0);
    assert_true(pace_take(p, k, 0, 3, 0) > 0);
    paces_use_row(p, 0); /* the first one's successor */
    assert_int_equal(pace_take(p, k, 0, 3, 0), 0);
    assert_true(pace_take(p, k, 0, 3, 0) > 0);
    paces_free(p);
}

static void a_pause_holds_for_all(void **state)
{
    struct paces *p = paces_new(1);
    struct pace *k = pace_of(p, "a");

    (void)state;
    assert_int_equal(pace_paused_ms(k, 1000), 0);
    pace_pause(k, 500, 1000);
    assert_int_equal(pace_paused_ms(k, 1000), 500);
    assert_int_equal(pace_paused_ms(k, 1500), 0);
    assert_int_equal(pace_take(p, k, 0, 0, 1000), 500);
    assert_int_equal(pace_take(p, k, 0, 0, 1499), 1);
    assert_int_equal(pace_take(p, k, 0, 0, 1500), 0);
    paces_free(p);
}

/* A backlog comes back spread over the time that it takes, at most ten
 * minutes ahead, and not where it would only be sent away again. */
static void those_sent_away_come_back_in_turn(void **state)
{
    struct paces *p = paces_new(1);
    struct pace *k = pace_of(p, "a");

    (void)state;
    assert_int_equal(pace_come_back_ms(k, 2, 0, 0), 2500);
    assert_int_equal(pace_come_back_ms(k, 2, 0, 0), 3000);
    assert_int_equal(pace_come_back_ms(k, 2, 0, 1000), 2500);
    for (int i = 0; i < 2000; i++)
        assert_true(pace_come_back_ms(k, 2, 0, 1000) <= 600000);
    assert_int_equal(pace_come_back_ms(k, 2, 0, 1000), 600000);
    paces_free(p);
}

/* Where only so many are taken at once, as fast as they are answered: the line
 * must not grow while the provider has places. */
static void the_line_moves_as_fast_as_the_answers(void **state)
{
    struct paces *p = paces_new(1);
    struct pace *k = pace_of(p, "a");

    (void)state;
    /* no answer yet: a second is assumed, for four places */
    assert_int_equal(pace_come_back_ms(k, 0, 4, 0), 2250);
    assert_int_equal(pace_come_back_ms(k, 0, 4, 0), 2500);
    assert_int_equal(pace_take(p, k, 0, 4, 0), 0);
    pace_done(p, k, 40);
    assert_int_equal(pace_come_back_ms(k, 0, 4, 0), 2510);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(pace_take(p, k, 0, 4, 0), 0);
        pace_done(p, k, 80);
    }
    assert_int_equal(pace_take(p, k, 0, 4, 0), 0);
    pace_done(p, k, -1); /* tells nothing */
    assert_in_range(pace_come_back_ms(k, 0, 4, 0), 2529, 2530);
    /* the slower of two limits */
    assert_in_range(pace_come_back_ms(k, 10, 4, 0), 2629, 2630);
    /* neither: whoever was sent away by a pause needs no line */
    assert_in_range(pace_come_back_ms(k, 0, 0, 0), 2629, 2630);
    paces_free(p);
}

static void complaints_once_a_minute(void **state)
{
    struct paces *p = paces_new(1);
    struct pace *k = pace_of(p, "a");

    (void)state;
    assert_true(pace_may_complain(k, 1000));
    assert_false(pace_may_complain(k, 60999));
    assert_true(pace_may_complain(k, 61000));
    assert_false(pace_may_complain(k, 61000));
    paces_free(p);
}

static void of_too_many_the_last_share(void **state)
{
    struct paces *p = paces_new(1);
    char name[] = "aa";
    struct pace *first = pace_of(p, name);

    (void)state;
    for (int i = 0; i < 100; i++) {
        name[0] = (char)('a' + i / 26);
        name[1] = (char)('a' + i % 26);
        assert_non_null(pace_of(p, name));
    }
    assert_ptr_equal(pace_of(p, "aa"), first);
    assert_ptr_equal(pace_of(p, "one"), pace_of(p, "another"));
    paces_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limits_everything_goes),
        cmocka_unit_test(so_many_in_a_second),
        cmocka_unit_test(so_many_at_once),
        cmocka_unit_test(processes_count_together),
        cmocka_unit_test(a_pause_holds_for_all),
        cmocka_unit_test(those_sent_away_come_back_in_turn),
        cmocka_unit_test(the_line_moves_as_fast_as_the_answers),
        cmocka_unit_test(complaints_once_a_minute),
        cmocka_unit_test(of_too_many_the_last_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
