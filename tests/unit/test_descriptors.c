#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/descriptors.h"
#include "tests/unit/unit.h"

struct answer {
    size_t room;
    size_t soft; /* the limit afterwards */
};

static struct answer ask(rlim_t soft, rlim_t hard, size_t wanted, size_t others)
{
    struct rlimit limit = { .rlim_cur = soft, .rlim_max = hard };
    struct answer a = { 0 };

    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return a;
    a.room = descriptors_provide(wanted, others);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        a.soft = limit.rlim_cur;
    return a;
}

/* In a child, because a hard limit cannot be raised again. */
static struct answer provide(rlim_t soft, rlim_t hard, size_t wanted,
                             size_t others)
{
    struct answer a = { 0 };
    int ends[2];
    pid_t pid;

    assert_int_equal(0, pipe(ends));
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        a = ask(soft, hard, wanted, others);
        _exit(write(ends[1], &a, sizeof a) == (ssize_t)sizeof a ? 0 : 1);
    }
    close(ends[1]);
    assert_int_equal(sizeof a, read(ends[0], &a, sizeof a));
    close(ends[0]);
    assert_int_equal(pid, waitpid(pid, NULL, 0));
    return a;
}

static void raises_as_far_as_it_may(void **state)
{
    static const struct {
        rlim_t soft, hard;
        size_t wanted, others;
        struct answer expected;
    } cases[] = {
        { 50, 200, 60, 39, { 60, 99 } },  { 50, 200, 60, 40, { 60, 100 } },
        { 50, 100, 60, 41, { 59, 100 } }, { 50, 100, 60, 49, { 51, 100 } },
        { 50, 100, 60, 50, { 50, 100 } }, { 50, 100, 60, 90, { 50, 100 } },
        { 50, 100, 40, 90, { 40, 100 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answer a = provide(cases[i].soft, cases[i].hard, cases[i].wanted,
                                  cases[i].others);

        assert_int_equal(cases[i].expected.room, a.room);
        assert_int_equal(cases[i].expected.soft, a.soft);
    }
}

static void never_lowers(void **state)
{
    (void)state;
    assert_int_equal(50, provide(50, 100, 9, 40).soft);
    assert_int_equal(50, provide(50, 100, 10, 40).soft);
    assert_int_equal(51, provide(50, 100, 11, 40).soft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raises_as_far_as_it_may),
        cmocka_unit_test(never_lowers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
