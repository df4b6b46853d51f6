#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/descriptors.h"
#include "tests/unit/unit.h"

/* In a child, because a hard limit cannot be raised again. */
static size_t raise_from(rlim_t soft, rlim_t hard, size_t wanted)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit limit = { .rlim_cur = soft, .rlim_max = hard };
        size_t got;

        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            _exit(255);
        got = descriptors_raise(wanted);
        if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur != got)
            _exit(254);
        _exit((int)got);
    }
    assert_int_equal(pid, waitpid(pid, &status, 0));
    assert_true(WIFEXITED(status));
    return (size_t)WEXITSTATUS(status);
}

static void raises_as_far_as_it_may(void **state)
{
    (void)state;
    assert_int_equal(99, raise_from(50, 100, 99));
    assert_int_equal(100, raise_from(50, 100, 100));
    assert_int_equal(100, raise_from(50, 100, 101));
}

static void never_lowers(void **state)
{
    (void)state;
    assert_int_equal(50, raise_from(50, 100, 49));
    assert_int_equal(50, raise_from(50, 100, 50));
    assert_int_equal(51, raise_from(50, 100, 51));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raises_as_far_as_it_may),
        cmocka_unit_test(never_lowers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
