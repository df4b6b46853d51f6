#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "common/address_counts.h"
#include "common/mem.h"
#include "tests/unit/unit.h"

static uint64_t key_of(const char *text)
{
    struct sockaddr_storage a = { 0 };
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        memcpy(&a, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        memcpy(&a, &v6, sizeof v6);
    else
        fail_msg("no address: %s", text);
    return address_counts_key((const struct sockaddr *)&a);
}

static void tells_addresses_apart(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "192.0.2.2", false },
        { "192.0.2.1", "::ffff:192.0.2.1", true },
        { "192.0.2.1", "::192.0.2.1", false },
        { "0.0.0.0", "::", false },
        { "2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true },
        { "2001:db8:0:1::1", "2001:db8:0:2::1", false },
    };
    struct sockaddr_un local = { .sun_family = AF_UNIX };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if ((key_of(cases[i].a) == key_of(cases[i].b)) != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    assert_true(address_counts_key((struct sockaddr *)&local) == UINT64_MAX);
}

static void counts(void **state)
{
    struct address_counts *c = address_counts_new();

    (void)state;
    assert_int_equal(0, address_counts_get(c, 7));
    address_counts_add(c, 7);
    address_counts_add(c, 7);
    address_counts_add(c, 0);
    assert_int_equal(2, address_counts_get(c, 7));
    assert_int_equal(1, address_counts_get(c, 0));
    address_counts_remove(c, 7);
    assert_int_equal(1, address_counts_get(c, 7));
    address_counts_remove(c, 7);
    assert_int_equal(0, address_counts_get(c, 7));
    assert_int_equal(1, address_counts_get(c, 0));
    address_counts_free(c);
    address_counts_free(NULL);
}

/* Against the plainest table there is, with much coming and going. */
static void agrees_with_an_array(void **state)
{
    enum { KEYS = 500, STEPS = 20000 };
    struct address_counts *c = address_counts_new();
    unsigned *expected = mem_zalloc(KEYS * sizeof *expected);
    uint32_t x = 1;

    (void)state;
    for (int step = 0; step < STEPS; step++) {
        unsigned key;

        x = x * 1664525 + 1013904223;
        key = (x >> 8) % KEYS;
        if (x >> 31 || expected[key] == 0) {
            address_counts_add(c, key);
            expected[key]++;
        } else {
            address_counts_remove(c, key);
            expected[key]--;
        }
        if (step % 500 != 0)
            continue;
        for (unsigned k = 0; k < KEYS; k++)
            assert_int_equal(expected[k], address_counts_get(c, k));
    }
    free(expected);
    address_counts_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_addresses_apart),
        cmocka_unit_test(counts),
        cmocka_unit_test(agrees_with_an_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
