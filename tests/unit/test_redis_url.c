/* Where a Redis is, in every form of REDIS_URL. */
#include <string.h>

#include "common/redis_url.h"
#include "tests/unit/unit.h"

static struct redis_url parse(const char *text)
{
    struct redis_url url;
    char error[256] = "";

    assert_int_equal(redis_url_parse(&url, text, error, sizeof error), 0);
    return url;
}

static void hosts_ports_and_databases(void **state)
{
    static const struct {
        const char *text, *host;
        int port, db;
    } cases[] = {
        { "redis://127.0.0.1:6380/3", "127.0.0.1", 6380, 3 },
        { "redis://example", "example", 6379, 0 },
        { "redis://example/", "example", 6379, 0 },
        { "redis://:7", "127.0.0.1", 7, 0 },
        { "redis://[::1]:9/1", "::1", 9, 1 },
        { "redis://[fd00::1]", "fd00::1", 6379, 0 },
        { "redis://h:65535", "h", 65535, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct redis_url url = parse(cases[i].text);

        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.db, cases[i].db);
        assert_null(url.path);
        redis_url_release(&url);
    }
}

static void users_and_passwords(void **state)
{
    struct redis_url url = parse("redis://:p%40ss%3a%2f@h:1/2");

    (void)state;
    assert_null(url.user);
    assert_string_equal(url.password, "p@ss:/");
    redis_url_release(&url);
    url = parse("redis://me:100%@h");
    assert_string_equal(url.user, "me");
    assert_string_equal(url.password, "100%");
    redis_url_release(&url);
}

static void sockets(void **state)
{
    struct redis_url url = parse("unix:/run/redis.sock?db=4");

    (void)state;
    assert_string_equal(url.path, "/run/redis.sock");
    assert_int_equal(url.db, 4);
    redis_url_release(&url);
    url = parse("unix:///run/redis.sock");
    assert_string_equal(url.path, "/run/redis.sock");
    redis_url_release(&url);
}

static void what_is_wrong_is_said_without_the_password(void **state)
{
    static const char *const wrong[] = {
        "",
        "http://h",
        "rediss://:secret@h",
        "redis://:secret@h:0",
        "redis://h:65536",
        "redis://h:x",
        "redis://:secret@h/x",
        "unix:relative",
        "redis://h/1?x=y",
        "unix:/s?db=x",
        "unix:/s?x=1",
        "redis://h:-1",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct redis_url url;
        char error[256] = "";

        assert_int_equal(redis_url_parse(&url, wrong[i], error, sizeof error),
                         -1);
        assert_true(strncmp(error, "REDIS_URL is wrong: ", 20) == 0);
        assert_null(strstr(error, "secret"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_ports_and_databases),
        cmocka_unit_test(users_and_passwords),
        cmocka_unit_test(sockets),
        cmocka_unit_test(what_is_wrong_is_said_without_the_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
