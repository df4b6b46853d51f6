/* Who sent it, by the word of which proxy. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "ingest/client_address.h"
#include "ingest/forwarded.h"
#include "tests/unit/unit.h"

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage out = { 0 };
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out;

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        out.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
        out.ss_family = AF_INET6;
    else
        fail_msg("no address: %s", text);
    return out;
}

/* The address as text, or the problem with "!" in front; owned. */
static char *ask(const char *peer, const struct header_lines *x,
                 const struct header_lines *forwarded)
{
    struct sockaddr_storage from = address_of(peer), client;
    struct ranges trusted;
    char error[256], text[ADDRESS_TEXT_SIZE];
    const char *problem;

    assert_int_equal(ranges_parse(&trusted, "127.0.0.0/8,192.0.2.0/24,fd00::/8",
                                  error, sizeof error),
                     0);
    problem = client_address(&trusted, (const struct sockaddr *)&from, x,
                             forwarded, &client);
    ranges_release(&trusted);
    if (problem)
        return mem_format("!%s", problem);
    address_format((const struct sockaddr *)&client, text);
    return mem_strdup(text);
}

static void check(const char *peer, const char *x, const char *forwarded,
                  const char *expected)
{
    struct header_lines x_lines = { &x, x ? 1 : 0 };
    struct header_lines lines = { &forwarded, forwarded ? 1 : 0 };
    char *got = ask(peer, &x_lines, &lines);

    print_message("  %s | %s | %s\n", peer, x ? x : "-",
                  forwarded ? forwarded : "-");
    if (*expected == '!')
        assert_int_equal(*got, '!');
    else
        assert_string_equal(got, expected);
    free(got);
}

static void an_untrusted_peer_is_the_client(void **state)
{
    (void)state;
    check("203.0.113.1", NULL, NULL, "203.0.113.1");
    check("203.0.113.1", "10.0.0.1", NULL, "203.0.113.1");
    check("203.0.113.1", NULL, "for=10.0.0.1", "203.0.113.1");
    check("203.0.113.1", "!", "\"", "203.0.113.1");
    check("2001:db8::1", "10.0.0.1", NULL, "2001:db8::1");
}

static void the_right_most_untrusted_address_counts(void **state)
{
    (void)state;
    check("127.0.0.1", NULL, NULL, "127.0.0.1");
    check("127.0.0.1", "", NULL, "127.0.0.1");
    check("127.0.0.1", "10.1.2.3", NULL, "10.1.2.3");
    check("127.0.0.1", "8.8.8.8, 10.1.2.3", NULL, "10.1.2.3");
    check("127.0.0.1", "10.1.2.3, 192.0.2.7 ,192.0.2.8", NULL, "10.1.2.3");
    check("127.0.0.1", "nonsense, 10.1.2.3, 192.0.2.7", NULL, "10.1.2.3");
    /* trusted all the way: the farthest */
    check("127.0.0.1", "192.0.2.9, 192.0.2.7", NULL, "192.0.2.9");
    check("127.0.0.1", "\t10.1.2.3\t, ,", NULL, "10.1.2.3");
    /* IPv4 in the clothes of IPv6 */
    check("::ffff:127.0.0.1", "10.1.2.3, ::ffff:192.0.2.7", NULL, "10.1.2.3");
    check("::ffff:127.0.0.1", "::ffff:10.1.2.3", NULL, "10.1.2.3");
    check("fd00::1", "2001:db8::5", NULL, "2001:db8::5");
}

static void forms_of_an_address(void **state)
{
    (void)state;
    check("127.0.0.1", "10.1.2.3:80", NULL, "10.1.2.3");
    check("127.0.0.1", "10.1.2.3:65535", NULL, "10.1.2.3");
    check("127.0.0.1", "10.1.2.3:65536", NULL, "!");
    check("127.0.0.1", "10.1.2.3:", NULL, "!");
    check("127.0.0.1", "10.1.2.3:8x", NULL, "!");
    check("127.0.0.1", "10.1.2.3:000080", NULL, "!");
    check("127.0.0.1", "2001:db8::7", NULL, "2001:db8::7");
    check("127.0.0.1", "[2001:db8::7]", NULL, "2001:db8::7");
    check("127.0.0.1", "[2001:db8::7]:4711", NULL, "2001:db8::7");
    check("127.0.0.1", "[2001:db8::7", NULL, "!");
    check("127.0.0.1", "[2001:db8::7]x", NULL, "!");
    check("127.0.0.1", "[2001:db8::7]:", NULL, "!");
    check("127.0.0.1", "[10.1.2.3]:80", NULL, "!");
    check("127.0.0.1", "[]", NULL, "!");
    check("127.0.0.1", "fe80::1%eth0", NULL, "!");
    check("127.0.0.1", "010.1.2.3", NULL, "!");
    check("127.0.0.1", "10.1.2", NULL, "!");
    check("127.0.0.1", "unknown", NULL, "!");
    check("127.0.0.1", "1111:2222:3333:4444:5555:6666:7777:8888", NULL,
          "1111:2222:3333:4444:5555:6666:7777:8888");
    check("127.0.0.1", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb",
          NULL, "!");
}

static void the_standard_header(void **state)
{
    (void)state;
    check("127.0.0.1", NULL, "for=10.1.2.3", "10.1.2.3");
    check("127.0.0.1", NULL, "For=10.1.2.3;Proto=http;by=203.0.113.43",
          "10.1.2.3");
    check("127.0.0.1", NULL, "proto=http ;for=10.1.2.3", "!");
    check("127.0.0.1", NULL, "for=\"10.1.2.3:80\"", "10.1.2.3");
    check("127.0.0.1", NULL, "for=10.1.2.3:80", "!");
    check("127.0.0.1", NULL, "for=\"[2001:db8::7]:4711\"", "2001:db8::7");
    check("127.0.0.1", NULL, "for=\"[2001:db8::7]\"", "2001:db8::7");
    check("127.0.0.1", NULL, "for=\"[2001:db8::7]:_port\"", "2001:db8::7");
    check("127.0.0.1", NULL, "for=\"[2001:db8::7]:_\"", "!");
    check("127.0.0.1", NULL, "for=\"[2001:db8::7]:_a!\"", "!");
    check("127.0.0.1", NULL, "for=\"2001:db8::7\"", "!");
    check("127.0.0.1", NULL, "for=[2001:db8::7]", "!");
    check("127.0.0.1", NULL, "for=\"10.1.\\2.3\"", "10.1.2.3");
    check("127.0.0.1", NULL, "for=8.8.8.8, for=10.1.2.3,for=192.0.2.1",
          "10.1.2.3");
    check("127.0.0.1", NULL, "for=10.1.2.3 , ,;", "!"); /* no address there */
    check("127.0.0.1", NULL, ", for=10.1.2.3 ,", "10.1.2.3");
    check("127.0.0.1", NULL, "for=10.1.2.3;;by=_x;", "10.1.2.3");
    /* a comma within quotes separates nothing */
    check("127.0.0.1", NULL, "for=8.8.8.8;x=\", for=9.9.9.9\"", "8.8.8.8");
    check("127.0.0.1", NULL, "for=8.8.8.8;x=\"\\\", for=9.9.9.9\"", "8.8.8.8");
}

static void who_hides_is_refused(void **state)
{
    (void)state;
    check("127.0.0.1", NULL, "for=unknown", "!");
    check("127.0.0.1", NULL, "for=_hidden", "!");
    check("127.0.0.1", NULL, "for=\"_SEVKISEK\"", "!");
    check("127.0.0.1", NULL, "by=10.1.2.3", "!");
    check("127.0.0.1", NULL, "for=_hidden, for=192.0.2.1", "!");
    /* beyond the decisive hop anything may stand */
    check("127.0.0.1", NULL, "for=_hidden, for=10.1.2.3", "10.1.2.3");
}

static void malformed_elements(void **state)
{
    static const char *const lines[] = {
        "for",
        "for=",
        "=10.1.2.3",
        "for=\"10.1.2.3",
        "for=\"10.1.2.3\\",
        "for=10.1.2.3 8.8.8.8",
        "for=10.1.2.3;for=10.1.2.3",
        "for=10.1.2.3; by=x",
        "for =10.1.2.3",
        "for= 10.1.2.3",
        "for=\"10.1.2.3\"x",
        "for=\"10.1.2.3\x01\"",
        "for=\"10.1.2.3\\\x01\"",
        "10.1.2.3",
        "\"",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        check("127.0.0.1", NULL, lines[i], "!");
}

static void both_headers_must_agree(void **state)
{
    (void)state;
    check("127.0.0.1", "10.1.2.3", "for=10.1.2.3", "10.1.2.3");
    check("127.0.0.1", "8.8.8.8, 10.1.2.3", "for=\"10.1.2.3:80\"", "10.1.2.3");
    check("127.0.0.1", "10.1.2.3", "for=10.1.2.4", "!");
    check("127.0.0.1", "10.1.2.3", "for=192.0.2.1", "!");
    check("127.0.0.1", "192.0.2.1", "for=10.1.2.3", "!");
    check("127.0.0.1", "10.1.2.3", "for=_hidden", "!");
    check("127.0.0.1", "10.1.2.3", "\"", "!");
    check("127.0.0.1", "::ffff:10.1.2.3", "for=10.1.2.3", "10.1.2.3");
}

static void several_lines_are_one_list(void **state)
{
    static const char *const two[] = { "10.1.2.3", "192.0.2.1" };
    static const char *const other[] = { "192.0.2.1", "10.1.2.3" };
    static const char *const elements[] = { "for=8.8.8.8, for=10.1.2.3",
                                            "for=192.0.2.1" };
    static const char *const torn[] = { "for=\"10.1.2.3", "\", for=8.8.8.8" };
    struct header_lines none = { NULL, 0 };
    char *got;

    (void)state;
    got = ask("127.0.0.1", &(struct header_lines){ two, 2 }, &none);
    assert_string_equal(got, "10.1.2.3");
    free(got);
    got = ask("127.0.0.1", &(struct header_lines){ other, 2 }, &none);
    assert_string_equal(got, "10.1.2.3");
    free(got);
    got = ask("127.0.0.1", &none, &(struct header_lines){ elements, 2 });
    assert_string_equal(got, "10.1.2.3");
    free(got);
    got = ask("127.0.0.1", &none, &(struct header_lines){ torn, 2 });
    assert_int_equal(*got, '!');
    free(got);
}

static void hops_are_limited(void **state)
{
    (void)state;
    for (int extra = -1; extra <= 1; extra++) {
        size_t hops = (size_t)(FORWARDED_HOPS_MAX + extra);
        struct forwarded f = { .count = 0 };
        char x[FORWARDED_HOPS_MAX * 16 + 32] = "";
        char elements[FORWARDED_HOPS_MAX * 16 + 32] = "";
        size_t x_len = 0, len = 0;

        for (size_t i = 0; i < hops; i++) {
            x_len += (size_t)snprintf(x + x_len, sizeof x - x_len, "%s10.0.0.1",
                                      i > 0 ? "," : "");
            len += (size_t)snprintf(elements + len, sizeof elements - len,
                                    "%sfor=10.0.0.1", i > 0 ? "," : "");
        }
        assert_int_equal(forwarded_add_addresses(&f, x), extra > 0 ? -1 : 0);
        f.count = 0;
        assert_int_equal(forwarded_add_elements(&f, elements),
                         extra > 0 ? -1 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_untrusted_peer_is_the_client),
        cmocka_unit_test(the_right_most_untrusted_address_counts),
        cmocka_unit_test(forms_of_an_address),
        cmocka_unit_test(the_standard_header),
        cmocka_unit_test(who_hides_is_refused),
        cmocka_unit_test(malformed_elements),
        cmocka_unit_test(both_headers_must_agree),
        cmocka_unit_test(several_lines_are_one_list),
        cmocka_unit_test(hops_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
