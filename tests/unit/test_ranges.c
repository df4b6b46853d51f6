#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "common/guard.h"
#include "common/ranges.h"
#include "tests/unit/unit.h"

static struct sockaddr_storage address_of(const char *text, uint16_t port)
{
    struct sockaddr_storage out = { 0 };
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                               .sin6_port = htons(port) };

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        memcpy(&out, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        memcpy(&out, &v6, sizeof v6);
    else
        fail_msg("no address: %s", text);
    return out;
}

static void contains(void **state)
{
    static const struct {
        const char *list;
        const char *address;
        uint16_t port;
        bool inside;
    } cases[] = {
        { "", "1.2.3.4", 80, false },
        { "   ", "1.2.3.4", 80, false },
        { "1.2.3.4", "1.2.3.4", 80, true },
        { "1.2.3.4", "1.2.3.5", 80, false },
        { "1.2.3.4/32", "1.2.3.4", 80, true },
        { "1.2.3.0/24", "1.2.3.255", 80, true },
        { "1.2.3.0/24", "1.2.4.0", 80, false },
        { "1.2.2.0/23", "1.2.3.255", 80, true },
        { "1.2.3.128/25", "1.2.3.127", 80, false },
        { "0.0.0.0/0", "255.1.2.3", 80, true },
        { "0.0.0.0/0", "::1", 80, false },
        { "::/0", "::1", 80, true },
        { "::/0", "1.2.3.4", 80, false },
        { "::/95", "1.2.3.4", 80, false },
        { "1.2.3.4", "::ffff:1.2.3.4", 80, true },
        { "::ffff:1.2.3.4", "1.2.3.4", 80, true },
        { "::ffff:1.2.3.0/120", "1.2.3.9", 80, true },
        { "::ffff:0:0/96", "1.2.3.9", 80, true },
        { "2001:db8::/32", "2001:db8:1::1", 80, true },
        { "2001:db8::/32", "2001:db9::1", 80, false },
        { "2001:db8::/33", "2001:db8:8000::", 80, false },
        { "fe80::1", "fe80::1", 80, true },
        { "1.2.3.4:80", "1.2.3.4", 80, true },
        { "1.2.3.4:80", "1.2.3.4", 81, false },
        { "1.2.3.0/24:65535", "1.2.3.4", 65535, true },
        { "[::1]:80", "::1", 80, true },
        { "[::1]:80", "::1", 81, false },
        { "[::1]", "::1", 81, true },
        { "[2001:db8::/32]:443", "2001:db8::1", 443, true },
        { "[2001:db8::/32]:443", "2001:db8::1", 80, false },
        { " 9.9.9.9 ,\t1.2.3.4 , ::1 ", "1.2.3.4", 80, true },
        { "9.9.9.9,1.2.3.4:1,1.2.3.4:2", "1.2.3.4", 2, true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sockaddr_storage address =
            address_of(cases[i].address, cases[i].port);
        char error[256] = "";
        struct ranges r;

        if (ranges_parse(&r, cases[i].list, error, sizeof error) != 0)
            fail_msg("\"%s\": %s", cases[i].list, error);
        if (ranges_contain(&r, (struct sockaddr *)&address) != cases[i].inside)
            fail_msg("\"%s\" and %s:%u", cases[i].list, cases[i].address,
                     cases[i].port);
        ranges_release(&r);
    }
}

static void refuses_what_is_no_range(void **state)
{
    static const struct {
        const char *list;
        const char *error;
    } cases[] = {
        { "x", "\"x\" is no IPv4 or IPv6 address" },
        { "1.2.3.4,", "\"\" is empty" },
        { ",", "\"\" is empty" },
        { "1.2.3.4,,::1", "\"\" is empty" },
        { "1.2.3", "\"1.2.3\" is no IPv4 or IPv6 address" },
        { "1.2.3.4.5", "\"1.2.3.4.5\" is no IPv4 or IPv6 address" },
        { "1.2.3.256", "\"1.2.3.256\" is no IPv4 or IPv6 address" },
        { "01.2.3.4", "\"01.2.3.4\" is no IPv4 or IPv6 address" },
        { "1.2.3.4 5", "\"1.2.3.4 5\" is no IPv4 or IPv6 address" },
        { "fe80::1%eth0", "\"fe80::1%eth0\" is no IPv4 or IPv6 address" },
        { "localhost", "\"localhost\" is no IPv4 or IPv6 address" },
        { "1.2.3.4/33", "\"1.2.3.4/33\" has a prefix length out of range" },
        { "1.2.3.4/", "\"1.2.3.4/\" has a prefix length out of range" },
        { "1.2.3.4/+1", "\"1.2.3.4/+1\" has a prefix length out of range" },
        { "1.2.3.4/-1", "\"1.2.3.4/-1\" has a prefix length out of range" },
        { "1.2.3.4/8/8", "\"1.2.3.4/8/8\" has a prefix length out of range" },
        { "::/129", "\"::/129\" has a prefix length out of range" },
        { "1.2.3.4/99999999999",
          "\"1.2.3.4/99999999999\" has a prefix length out of range" },
        { "1.2.3.4/31x", "\"1.2.3.4/31x\" has a prefix length out of range" },
        { "10.0.0.1/8", "\"10.0.0.1/8\" has bits set behind its prefix" },
        { "2001:db8::1/32", "\"2001:db8::1/32\" has bits set behind its "
                            "prefix" },
        { "1.2.3.4:0", "\"1.2.3.4:0\" has a port out of range" },
        { "1.2.3.4:65536", "\"1.2.3.4:65536\" has a port out of range" },
        { "1.2.3.4:", "\"1.2.3.4:\" has a port out of range" },
        { "1.2.3.4:8x", "\"1.2.3.4:8x\" has a port out of range" },
        { "[::1", "\"[::1\" has no closing bracket" },
        { "[::1]x", "\"[::1]x\" has something odd behind its bracket" },
        { "[::1]/128", "\"[::1]/128\" has something odd behind its bracket" },
        { "1.2.3.4;5.6.7.8", "\"1.2.3.4;5.6.7.8\" is no IPv4 or IPv6 address" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char error[256] = "";
        struct ranges r;

        assert_int_equal(-1,
                         ranges_parse(&r, cases[i].list, error, sizeof error));
        assert_string_equal(cases[i].error, error);
        assert_null(r.items);
        assert_int_equal(0, r.count);
    }
}

static void other_families_are_nowhere(void **state)
{
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    char text[ADDRESS_TEXT_SIZE];
    char error[256];
    struct ranges r;

    (void)state;
    assert_int_equal(0,
                     ranges_parse(&r, "0.0.0.0/0,::/0", error, sizeof error));
    assert_false(ranges_contain(&r, (struct sockaddr *)&local));
    assert_false(address_is_public((struct sockaddr *)&local));
    address_format((struct sockaddr *)&local, text);
    assert_string_equal("?", text);
    ranges_release(&r);
}

/* First and last address of each special block, and their public neighbours. */
static void knows_public_addresses(void **state)
{
    static const char *const public[] = {
        "1.0.0.0",         "9.255.255.255",    "11.0.0.0",
        "100.63.255.255",  "100.128.0.0",      "126.255.255.255",
        "128.0.0.0",       "169.253.255.255",  "169.255.0.0",
        "172.15.255.255",  "172.32.0.0",       "191.255.255.255",
        "192.0.1.0",       "192.0.1.255",      "192.0.3.0",
        "192.88.98.255",   "192.88.100.0",     "192.167.255.255",
        "192.169.0.0",     "198.17.255.255",   "198.20.0.0",
        "198.51.99.255",   "198.51.101.0",     "203.0.112.255",
        "203.0.114.0",     "223.255.255.255",  "8.8.8.8",
        "::ffff:8.8.8.8",  "2000::",           "2001:200::",
        "2001:db7:ffff::", "2001:db9::",       "2606:4700::1111",
        "3ffe:ffff::",     "64:ff9b::8.8.8.8", "2002:808:808::1",
        "2003::1",
    };
    static const char *const special[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.0",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.255",
        "192.0.2.0",
        "192.0.2.255",
        "192.88.99.0",
        "192.88.99.255",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.0",
        "198.51.100.255",
        "203.0.113.0",
        "203.0.113.255",
        "224.0.0.0",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "::7f00:1", /* IPv4-compatible 127.0.0.1 */
        "::ffff:0.0.0.0",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "1fff:ffff::",
        "2001::1",
        "2001:0:7f00:1::",
        "2001:1ff:ffff::",
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2002:7f00:1::1",
        "2002:a00:1::1",
        "2002:c0a8:101::1",
        "3fff::",
        "3fff:fff:ffff::",
        "4000::",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(public); i++) {
        struct sockaddr_storage a = address_of(public[i], 80);

        if (!address_is_public((struct sockaddr *)&a))
            fail_msg("%s is public", public[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(special); i++) {
        struct sockaddr_storage a = address_of(special[i], 80);

        if (address_is_public((struct sockaddr *)&a))
            fail_msg("%s is not public", special[i]);
    }
}

static void formats_addresses(void **state)
{
    static const char *const cases[][2] = {
        { "127.0.0.1", "127.0.0.1" },
        { "::1", "::1" },
        { "::ffff:1.2.3.4", "1.2.3.4" },
        { "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
        { "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sockaddr_storage a = address_of(cases[i][0], 80);
        char text[ADDRESS_TEXT_SIZE];

        address_format((struct sockaddr *)&a, text);
        assert_string_equal(cases[i][1], text);
    }
}

static void guards(void **state)
{
    struct sockaddr_storage local = address_of("127.0.0.1", 8082);
    struct sockaddr_storage other = address_of("127.0.0.1", 6379);
    struct sockaddr_storage public = address_of("8.8.8.8", 25);
    char error[256] = "";
    struct guard g;

    (void)state;
    assert_int_equal(0, guard_init(&g, "", error, sizeof error));
    assert_false(guard_allows(&g, (struct sockaddr *)&local));
    assert_true(guard_allows(&g, (struct sockaddr *)&public));
    guard_release(&g);

    assert_int_equal(0, guard_init(&g, "127.0.0.1:8082", error, sizeof error));
    assert_true(guard_allows(&g, (struct sockaddr *)&local));
    assert_false(guard_allows(&g, (struct sockaddr *)&other));
    assert_true(guard_allows(&g, (struct sockaddr *)&public));
    guard_release(&g);

    assert_int_equal(-1, guard_init(&g, "nonsense", error, sizeof error));
    assert_string_equal("could not read SHOTFLEET_FETCH_ALLOW: \"nonsense\" is "
                        "no IPv4 or IPv6 address",
                        error);
    guard_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contains),
        cmocka_unit_test(refuses_what_is_no_range),
        cmocka_unit_test(other_families_are_nowhere),
        cmocka_unit_test(knows_public_addresses),
        cmocka_unit_test(formats_addresses),
        cmocka_unit_test(guards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
