#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/settings.h"
#include "tests/unit/unit.h"

struct example {
    char *storage;
    char *secrets;
    int64_t max_age_s;
    int64_t max_body_bytes;
};

static const struct setting_use uses[] = {
    { "SHOTFLEET_STORAGE", offsetof(struct example, storage) },
    { "SHOTFLEET_WEBHOOK_SECRETS", offsetof(struct example, secrets) },
    { "SHOTFLEET_WEBHOOK_MAX_AGE_S", offsetof(struct example, max_age_s) },
    { "SHOTFLEET_MAX_BODY_BYTES", offsetof(struct example, max_body_bytes) },
};

static void forget(void)
{
    assert_int_equal(clearenv(), 0);
    assert_int_equal(setenv("LANG", "C", 1), 0); /* brings `environ` back */
}

/* Each test starts without any setting. */
static int forget_environment(void **state)
{
    (void)state;
    forget();
    return 0;
}

static void set(const char *name, const char *value)
{
    assert_int_equal(setenv(name, value, 1), 0);
}

static int load(struct example *s, char error[SETTINGS_ERROR_SIZE])
{
    *s = (struct example){ 0 };
    error[0] = '\0';
    return settings_load(uses, ARRAY_LEN(uses), s, error);
}

static void release(struct example *s)
{
    settings_release(uses, ARRAY_LEN(uses), s);
    assert_null(s->storage);
    assert_null(s->secrets);
}

/* Loading fails with exactly this line. */
static void check_error(const char *expected)
{
    struct example s;
    char error[SETTINGS_ERROR_SIZE];

    assert_int_equal(load(&s, error), -1);
    assert_string_equal(error, expected);
    release(&s);
}

static void unset_settings_have_their_defaults(void **state)
{
    struct example s;
    char error[SETTINGS_ERROR_SIZE];

    (void)state;
    assert_int_equal(load(&s, error), 0);
    assert_string_equal(s.storage, "file:///var/lib/shotfleet");
    assert_string_equal(s.secrets, "");
    assert_int_equal(s.max_age_s, 300);
    assert_int_equal(s.max_body_bytes, 1 << 20);
    release(&s);
}

static void settings_come_from_the_environment(void **state)
{
    struct example s;
    char error[SETTINGS_ERROR_SIZE];

    (void)state;
    set("SHOTFLEET_STORAGE", "file:///tmp");
    set("SHOTFLEET_WEBHOOK_SECRETS", "a,b");
    set("SHOTFLEET_WEBHOOK_MAX_AGE_S", "17");
    set("SHOTFLEET_MAX_BODY_BYTES", "3KiB");
    set("SHOTFLEETX", "of somebody else");
    assert_int_equal(load(&s, error), 0);
    assert_string_equal(s.storage, "file:///tmp");
    assert_string_equal(s.secrets, "a,b");
    assert_int_equal(s.max_age_s, 17);
    assert_int_equal(s.max_body_bytes, 3072);
    release(&s);
}

static void unknown_names_are_refused(void **state)
{
    (void)state;
    set("SHOTFLEET_WEBHOOK_MAX_AGE", "17");
    check_error("unknown setting SHOTFLEET_WEBHOOK_MAX_AGE; --help lists the "
                "settings");
    forget();
    set("SHOTFLEET_", "");
    check_error("unknown setting SHOTFLEET_; --help lists the settings");
    forget();
    set("SHOTFLEET_STORAGE_FILE", "/tmp/x"); /* no secret, no file */
    check_error("unknown setting SHOTFLEET_STORAGE_FILE; --help lists the "
                "settings");
}

static void other_programs_and_profiles_names_are_known(void **state)
{
    struct example s;
    char error[SETTINGS_ERROR_SIZE];

    (void)state;
    set("SHOTFLEET_CAPTURE_QUEUE", "no number, but not ours to read");
    set("SHOTFLEET_WEBHOOK_SECRETS_URLBOX", "a");
    set("SHOTFLEET_WEBHOOK_SECRETS_URLBOX_FILE", "/nowhere");
    set("SHOTFLEET_PROVIDER_KEY_MY_OWN", "a");
    set("SHOTFLEET_PROVIDER_URL_MY_OWN", "a");
    set("SHOTFLEET_API_KEYS_FILE", "/nowhere");
    assert_int_equal(load(&s, error), 0);
    release(&s);
}

static void numbers_are_numbers(void **state)
{
    static const char *const bad[] = { "",
                                       " 5",
                                       "5 ",
                                       "x",
                                       "5x",
                                       "0x5",
                                       "5KiB",
                                       "1e2",
                                       "5.0",
                                       "-",
                                       "99999999999999999999" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *expected = mem_format("SHOTFLEET_WEBHOOK_MAX_AGE_S=\"%s\" is not "
                                    "a number from 1 to 86400",
                                    bad[i]);

        set("SHOTFLEET_WEBHOOK_MAX_AGE_S", bad[i]);
        check_error(expected);
        free(expected);
    }
}

static void sizes_have_units(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes; /* -1: refused */
    } cases[] = {
        { "1024", 1024 },      { "1KiB", 1024 },
        { "64MiB", 64 << 20 }, { "65536KiB", 64 << 20 },
        { "1GiB", -1 },        { "1kib", -1 },
        { "1KB", -1 },         { "1K", -1 },
        { "KiB", -1 },         { "1 KiB", -1 },
        { "1KiBs", -1 },       { "9223372036854775807GiB", -1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct example s;
        char error[SETTINGS_ERROR_SIZE];

        print_message("  %s\n", cases[i].text);
        set("SHOTFLEET_MAX_BODY_BYTES", cases[i].text);
        assert_int_equal(load(&s, error), cases[i].bytes < 0 ? -1 : 0);
        if (cases[i].bytes >= 0)
            assert_int_equal(s.max_body_bytes, cases[i].bytes);
        release(&s);
    }
}

static int load_alone(const struct setting *s, int64_t value)
{
    struct setting_use use = { s->name, 0 };
    char text[32];
    char error[SETTINGS_ERROR_SIZE];
    int64_t out = 0;
    int result = 0;

    snprintf(text, sizeof text, "%" PRId64, value);
    set(s->name, text);
    result = settings_load(&use, 1, &out, error);
    if (result == 0)
        assert_int_equal(out, value);
    forget();
    return result;
}

/* Every number of the catalogue, one below, at and above both its bounds. */
static void bounds_are_exact(void **state)
{
    (void)state;
    for (const struct setting *s = settings_catalogue(); s->name; s++) {
        if (s->type != SETTING_NUMBER && s->type != SETTING_BYTES)
            continue;
        print_message("  %s\n", s->name);
        assert_true(s->min < s->max);
        assert_int_equal(load_alone(s, s->min - 1), -1);
        assert_int_equal(load_alone(s, s->min), 0);
        assert_int_equal(load_alone(s, s->min + 1), 0);
        assert_int_equal(load_alone(s, s->max - 1), 0);
        assert_int_equal(load_alone(s, s->max), 0);
        assert_int_equal(load_alone(s, s->max + 1), -1);
    }
}

static void the_catalogue_is_sound(void **state)
{
    (void)state;
    for (const struct setting *s = settings_catalogue(); s->name; s++) {
        /* the largest type that a setting lands in */
        struct setting_use use = { s->name, 0 };
        char error[SETTINGS_ERROR_SIZE] = "";
        int64_t out = 0;

        print_message("  %s\n", s->name);
        assert_true(s->help && *s->help);
        assert_true(strncmp(s->name, "SHOTFLEET_", 10) == 0 ||
                    strncmp(s->name, "AWS_", 4) == 0 ||
                    strcmp(s->name, "REDIS_URL") == 0 ||
                    strcmp(s->name, "DATABASE_URL") == 0);
        assert_true(s->type != SETTING_SECRET || !s->fallback);
        assert_int_equal(settings_load(&use, 1, &out, error), 0);
        settings_release(&use, 1, &out);
        for (const struct setting *t = s + 1; t->name; t++)
            assert_string_not_equal(s->name, t->name);
    }
}

/* A file with this content; the caller unlinks and frees its name. */
static char *make_file(const char *text, size_t len)
{
    char *path = mem_strdup("/tmp/test_settings_XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    close(fd);
    return path;
}

static void secrets_come_from_files(void **state)
{
    static const struct {
        const char *text, *secret;
    } cases[] = {
        { "a,b\n", "a,b" }, { "a,b\r\n\n", "a,b" }, { "a,b", "a,b" },
        { "", "" },         { "a\nb\n", "a\nb" },   { " a ", " a " },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *path = make_file(cases[i].text, strlen(cases[i].text));
        struct example s;
        char error[SETTINGS_ERROR_SIZE];

        set("SHOTFLEET_WEBHOOK_SECRETS_FILE", path);
        assert_int_equal(load(&s, error), 0);
        assert_string_equal(s.secrets, cases[i].secret);
        release(&s);
        unlink(path);
        free(path);
    }
}

static void secret_files_have_an_exact_limit(void **state)
{
    enum { MAX = 64 * 1024 };
    char *text = mem_zalloc(MAX + 2);

    (void)state;
    memset(text, 'x', MAX + 1);
    for (size_t len = MAX - 1; len <= MAX + 1; len++) {
        char *path = make_file(text, len);
        struct example s;
        char error[SETTINGS_ERROR_SIZE];

        set("SHOTFLEET_WEBHOOK_SECRETS_FILE", path);
        assert_int_equal(load(&s, error), len <= MAX ? 0 : -1);
        if (len <= MAX)
            assert_int_equal(strlen(s.secrets), len);
        else
            assert_non_null(strstr(error, "larger than 64 KiB"));
        release(&s);
        unlink(path);
        free(path);
    }
    free(text);
}

static void bad_secret_files_are_named(void **state)
{
    (void)state;
    set("SHOTFLEET_WEBHOOK_SECRETS_FILE", "/nowhere/at/all");
    check_error("SHOTFLEET_WEBHOOK_SECRETS_FILE: could not open "
                "\"/nowhere/at/all\": No such file or directory");
    set("SHOTFLEET_WEBHOOK_SECRETS_FILE", "/tmp");
    check_error("SHOTFLEET_WEBHOOK_SECRETS_FILE: could not read \"/tmp\": Is a "
                "directory");
    set("SHOTFLEET_WEBHOOK_SECRETS", "a");
    check_error("SHOTFLEET_WEBHOOK_SECRETS and SHOTFLEET_WEBHOOK_SECRETS_FILE "
                "are both set; unset one of them");
}

static void check_profile(const char *profile, const char *expected)
{
    char error[SETTINGS_ERROR_SIZE] = "";
    char *text =
        settings_for_profile("SHOTFLEET_WEBHOOK_SECRETS", profile, error);

    if (expected)
        assert_string_equal(text, expected);
    else
        assert_null(text);
    free(text);
}

static void profiles_have_their_own(void **state)
{
    char *path = make_file("from a file\n", 12);
    char *text = NULL;
    char error[SETTINGS_ERROR_SIZE] = "";

    (void)state;
    check_profile("urlbox", "");
    set("SHOTFLEET_WEBHOOK_SECRETS", "all");
    set("SHOTFLEET_WEBHOOK_SECRETS_MY_OWN_2", "own");
    check_profile("urlbox", "all");
    check_profile("my-own-2", "own");
    check_profile("my-own", "all");
    set("SHOTFLEET_WEBHOOK_SECRETS_URLBOX_FILE", path);
    check_profile("urlbox", "from a file");
    set("SHOTFLEET_WEBHOOK_SECRETS_URLBOX", "and not");
    check_profile("urlbox", NULL);
    unlink(path);
    unsetenv("SHOTFLEET_WEBHOOK_SECRETS_URLBOX");
    check_profile("urlbox", NULL);
    free(path);

    set("SHOTFLEET_PROVIDER_URL_URLBOX", "http://127.0.0.1:1");
    text = settings_for_profile("SHOTFLEET_PROVIDER_URL", "urlbox", error);
    assert_string_equal(text, "http://127.0.0.1:1");
    free(text);
}

/* settings_start() as a program would call it; its exit code, 99 when it came
 * back, and the start of what it printed. */
static int start(const char *argument, char *output, size_t output_size)
{
    static struct example into;
    char *argv[] = { (char *)(uintptr_t) "test", (char *)(uintptr_t)argument,
                     NULL };
    size_t used = 0;
    ssize_t n = 0;
    int status = 0;
    int pipe_fds[2];
    pid_t pid = 0;

    assert_int_equal(pipe(pipe_fds), 0);
    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(pipe_fds[1], STDOUT_FILENO);
        dup2(pipe_fds[1], STDERR_FILENO);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        settings_start(argument ? 2 : 1, argv, "shotfleet-test", "Tests.", uses,
                       ARRAY_LEN(uses), &into);
        _exit(99);
    }
    close(pipe_fds[1]);
    while (used < output_size - 1 &&
           (n = read(pipe_fds[0], output + used, output_size - 1 - used)) > 0)
        used += (size_t)n;
    output[used] = '\0';
    close(pipe_fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void programs_start_the_same_way(void **state)
{
    char output[8192];

    (void)state;
    assert_int_equal(start(NULL, output, sizeof output), 99);
    assert_string_equal(output, "");

    assert_int_equal(start("--version", output, sizeof output), 0);
    assert_string_equal(output, "shotfleet-test " SHOTFLEET_VERSION "\n");

    set("SHOTFLEET_WEBHOOK_SECRETS", "do-not-print");
    assert_int_equal(start("--help", output, sizeof output), 0);
    assert_non_null(strstr(output, "usage: shotfleet-test"));
    for (size_t i = 0; i < ARRAY_LEN(uses); i++)
        assert_non_null(strstr(output, uses[i].name));
    assert_non_null(strstr(output, "SHOTFLEET_LOG_LEVEL"));
    assert_null(strstr(output, "SHOTFLEET_CHROMIUM"));
    assert_null(strstr(output, "do-not-print"));

    assert_int_equal(start("--halp", output, sizeof output), EXIT_CONFIG);
    assert_non_null(strstr(output, "--halp"));
}

static void bad_settings_stop_a_program(void **state)
{
    char output[1024];

    (void)state;
    set("SHOTFLEET_WEBHOOK_MAX_AGE_S", "0");
    assert_int_equal(start(NULL, output, sizeof output), EXIT_CONFIG);
    assert_non_null(strstr(output, "SHOTFLEET_WEBHOOK_MAX_AGE_S="));
    forget();
    set("SHOTFLEET_LOG_LEVEL", "loud");
    assert_int_equal(start(NULL, output, sizeof output), EXIT_CONFIG);
    assert_non_null(strstr(output, "SHOTFLEET_LOG_LEVEL="));
    forget();
    set("SHOTFLEET_LOG_FORMAT", "xml");
    assert_int_equal(start(NULL, output, sizeof output), EXIT_CONFIG);
    assert_non_null(strstr(output, "SHOTFLEET_LOG_FORMAT="));
    forget();
    set("SHOTFLEET_TYPO", "1");
    assert_int_equal(start(NULL, output, sizeof output), EXIT_CONFIG);
    assert_non_null(strstr(output, "unknown setting SHOTFLEET_TYPO"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(unset_settings_have_their_defaults,
                               forget_environment),
        cmocka_unit_test_setup(settings_come_from_the_environment,
                               forget_environment),
        cmocka_unit_test_setup(unknown_names_are_refused, forget_environment),
        cmocka_unit_test_setup(other_programs_and_profiles_names_are_known,
                               forget_environment),
        cmocka_unit_test_setup(numbers_are_numbers, forget_environment),
        cmocka_unit_test_setup(sizes_have_units, forget_environment),
        cmocka_unit_test_setup(bounds_are_exact, forget_environment),
        cmocka_unit_test_setup(the_catalogue_is_sound, forget_environment),
        cmocka_unit_test_setup(secrets_come_from_files, forget_environment),
        cmocka_unit_test_setup(secret_files_have_an_exact_limit,
                               forget_environment),
        cmocka_unit_test_setup(bad_secret_files_are_named, forget_environment),
        cmocka_unit_test_setup(profiles_have_their_own, forget_environment),
        cmocka_unit_test_setup(programs_start_the_same_way, forget_environment),
        cmocka_unit_test_setup(bad_settings_stop_a_program, forget_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
