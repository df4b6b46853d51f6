/* How many lines a flood is worth. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "ingest/access_log.h"
#include "tests/unit/unit.h"

static unsigned allowed(struct access_log *l, unsigned refusals)
{
    unsigned lines = 0;

    for (unsigned i = 0; i < refusals; i++)
        lines += access_log_refusal(l);
    return lines;
}

static struct access_log *log_of(struct loop *loop, int64_t refusals,
                                 int64_t window_ms)
{
    return access_log_new(
        loop, &(struct access_log_options){ .refusals = refusals,
                                            .window_ms = window_ms });
}

static void so_many_lines_and_no_more(void **state)
{
    struct loop *loop = loop_new();

    (void)state;
    for (int64_t limit = 0; limit <= 3; limit++) {
        struct access_log *l = log_of(loop, limit, 60000);

        assert_int_equal(allowed(l, 1), limit > 0);
        assert_int_equal(allowed(l, 5), limit > 1 ? limit - 1 : 0);
        access_log_free(l);
    }
    loop_free(loop);
}

/* runs the loop until lines are allowed again, and what was left out is told */
struct waiting {
    struct loop *loop;
    struct loop_timer *timer;
    struct access_log *log;
    unsigned tries;
};

static void try_again(void *arg)
{
    struct waiting *w = arg;

    w->tries++;
    if (access_log_refusal(w->log))
        loop_stop(w->loop);
    else
        loop_timer_start(w->timer, 1);
}

static void a_new_window_allows_new_lines(void **state)
{
    struct waiting w = { .loop = loop_new() };
    int ends[2];
    int old = dup(STDERR_FILENO);
    char text[1024] = "";
    char expected[64];
    ssize_t len;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    w.log = log_of(w.loop, 2, 20);
    w.timer = loop_timer_new(w.loop, try_again, &w);
    assert_int_equal(allowed(w.log, 10), 2);
    loop_timer_start(w.timer, 1);
    dup2(ends[1], STDERR_FILENO);
    loop_run(w.loop);
    dup2(old, STDERR_FILENO);
    len = read(ends[0], text, sizeof text - 1);
    assert_true(len > 0);
    /* 8, and all tries but the one that was allowed */
    snprintf(expected, sizeof expected, "and %u more refusals",
             8 + w.tries - 1);
    assert_non_null(strstr(text, expected));
    access_log_free(w.log);
    loop_timer_free(w.timer);
    loop_free(w.loop);
    close(ends[0]);
    close(ends[1]);
    close(old);
}

static void explaining_has_its_time(void **state)
{
    struct waiting w = { .loop = loop_new() };

    (void)state;
    w.log = log_of(w.loop, 1, 20);
    w.timer = loop_timer_new(w.loop, try_again, &w);
    assert_int_equal(allowed(w.log, 3), 1);
    assert_true(access_log_explains(w.log)); /* also of one without a line */
    access_log_explained(w.log, ACCESS_LOG_EXPLAINING_US - 1);
    assert_true(access_log_explains(w.log));
    access_log_explained(w.log, 1);
    assert_false(access_log_explains(w.log));
    access_log_explained(w.log, 1);
    assert_false(access_log_explains(w.log));
    loop_timer_start(w.timer, 1);
    loop_run(w.loop); /* into the next window */
    assert_true(access_log_explains(w.log));
    access_log_explained(w.log, ACCESS_LOG_EXPLAINING_US + 1);
    assert_false(access_log_explains(w.log));
    access_log_free(w.log);
    loop_timer_free(w.timer);
    loop_free(w.loop);
}

static void a_sample_of_what_is_accepted(void **state)
{
    struct loop *loop = loop_new();

    (void)state;
    for (int64_t sample = 0; sample <= 3; sample++) {
        struct access_log *l = access_log_new(
            loop, &(struct access_log_options){ .sample = sample });
        int64_t lines = 0;

        for (int i = 0; i < 12; i++)
            lines += access_log_accepted(l);
        assert_int_equal(lines, sample ? 12 / sample : 0);
        access_log_free(l);
    }
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_lines_and_no_more),
        cmocka_unit_test(a_new_window_allows_new_lines),
        cmocka_unit_test(explaining_has_its_time),
        cmocka_unit_test(a_sample_of_what_is_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
