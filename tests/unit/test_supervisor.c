/* A parent and its children: who is forked again, and who is not. */
#include "common/supervisor.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "unit.h"

enum { LONG_MS = 600 * 1000, DEATHS_MAX = 20 };

/* What the processes of a test share. */
struct board {
    atomic_int runs;  /* of children */
    atomic_int terms; /* SIGTERMs that a child got */
    int alive[2];     /* a pipe that children hold open */
};

static struct board *board;

static int setup(void **state)
{
    (void)state;
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return board == MAP_FAILED || pipe(board->alive) != 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    close(board->alive[0]);
    return munmap(board, sizeof *board);
}

/* The program, in a process of its own. */
static pid_t start(supervisor_child_fn *child, int64_t grace_ms)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(supervisor_run(
            &(struct supervisor_options){ .processes = 1,
                                          .child = child,
                                          .grace_ms = grace_ms,
                                          .backoff_cap_ms = 1 }));
    close(board->alive[1]);
    return pid;
}

static int code_of(pid_t pid)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int counted(void)
{
    return atomic_fetch_add(&board->runs, 1) + 1;
}

/* --- deaths */

static int refuses_configuration(unsigned index, void *arg)
{
    (void)index;
    (void)arg;
    counted();
    _exit(EXIT_CONFIG);
}

static void exit_code_2_is_final(void **state)
{
    (void)state;
    assert_int_equal(code_of(start(refuses_configuration, LONG_MS)),
                     EXIT_CONFIG);
    assert_int_equal(board->runs, 1);
}

static int dies(unsigned index, void *arg)
{
    (void)index;
    (void)arg;
    counted();
    _exit(1);
}

static void too_many_deaths_in_a_row_end_the_program(void **state)
{
    (void)state;
    assert_int_equal(code_of(start(dies, LONG_MS)), 1);
    assert_int_equal(board->runs, DEATHS_MAX + 1);
}

static int is_killed_for_a_while(unsigned index, void *arg)
{
    (void)index;
    (void)arg;
    if (counted() <= DEATHS_MAX)
        raise(SIGKILL);
    _exit(EXIT_CONFIG);
}

static void who_is_killed_is_forked_again(void **state)
{
    (void)state;
    assert_int_equal(code_of(start(is_killed_for_a_while, LONG_MS)),
                     EXIT_CONFIG);
    assert_int_equal(board->runs, DEATHS_MAX + 1);
}

static int reloads(unsigned index, void *arg)
{
    (void)index;
    (void)arg;
    _exit(counted() <= 2 * DEATHS_MAX ? EXIT_RELOAD : EXIT_CONFIG);
}

static void a_reload_is_no_death(void **state)
{
    (void)state;
    assert_int_equal(code_of(start(reloads, LONG_MS)), EXIT_CONFIG);
    assert_int_equal(board->runs, 2 * DEATHS_MAX + 1);
}

/* --- stopping */

static void on_term(int signo)
{
    (void)signo;
    atomic_fetch_add(&board->terms, 1);
}

static int will_not_stop(unsigned index, void *arg)
{
    (void)index;
    (void)arg;
    signal(SIGTERM, on_term);
    counted();
    while (pause() != 0) /* it never returns 0 */
        continue;
    return 0;
}

static int stops(unsigned index, void *arg)
{
    (void)index;
    (void)arg;
    counted();           /* SIGTERM has its default effect */
    while (pause() != 0) /* it never returns 0 */
        continue;
    return 0;
}

static void wait_until(const atomic_int *value, int what)
{
    while (atomic_load(value) < what)
        usleep(1000);
}

static void a_second_sigterm_does_not_wait(void **state)
{
    pid_t pid = start(will_not_stop, LONG_MS);

    (void)state;
    wait_until(&board->runs, 1);
    kill(pid, SIGTERM);
    wait_until(&board->terms, 1);
    kill(pid, SIGTERM);
    assert_int_equal(code_of(pid), 0);
    assert_int_equal(board->runs, 1);
}

static void the_grace_time_ends(void **state)
{
    pid_t pid = start(will_not_stop, 10);

    (void)state;
    wait_until(&board->runs, 1);
    kill(pid, SIGTERM);
    assert_int_equal(code_of(pid), 0);
    assert_int_equal(board->runs, 1);
}

static void children_die_with_the_parent(void **state)
{
    pid_t pid = start(stops, LONG_MS);
    char byte;

    (void)state;
    wait_until(&board->runs, 1);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(read(board->alive[0], &byte, 1), 0); /* nobody is left */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exit_code_2_is_final),
        TEST(too_many_deaths_in_a_row_end_the_program),
        TEST(who_is_killed_is_forked_again),
        TEST(a_reload_is_no_death),
        TEST(a_second_sigterm_does_not_wait),
        TEST(the_grace_time_ends),
        TEST(children_die_with_the_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
