#include <string.h>

#include "common/buf.h"
#include "common/query.h"
#include "tests/unit/unit.h"

static void reads_parameters(void **state)
{
    static const struct {
        const char *text;
        const char *a; /* the first value of "a", or NULL */
        unsigned count;
    } cases[] = {
        { "", NULL, 0 },
        { "a", "", 1 },
        { "a=", "", 1 },
        { "a=b", "b", 1 },
        { "a=b=c", "b=c", 1 },
        { "=a", NULL, 0 },
        { "b&a=1&a=2", "1", 2 },
        { "&&a&&", "", 1 },
        { "A=1", NULL, 0 },
        { "aa=1", NULL, 0 },
        { "%61=%20x+y%2B", " x y+", 1 },
        { "a=%", "%", 1 },
        { "a=%4", "%4", 1 },
        { "a=%zz%4g", "%zz%4g", 1 },
        { "a=%C3%a4\xc3\xa4", "\xc3\xa4\xc3\xa4", 1 },
        { "a=%26b&b=%3d", "&b", 1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct query q;
        unsigned count = 99;
        const char *a;

        assert_int_equal(0, query_parse(&q, cases[i].text));
        a = query_find(&q, "a", &count);
        if ((a == NULL) != (cases[i].a == NULL) ||
            (a && strcmp(a, cases[i].a) != 0) || count != cases[i].count)
            fail_msg("\"%s\": %u, %s", cases[i].text, count, a ? a : "none");
        assert_ptr_equal(a, query_find(&q, "a", NULL));
        query_release(&q);
    }
}

static void limits_their_number(void **state)
{
    (void)state;
    for (size_t count = QUERY_MAX - 1; count <= QUERY_MAX + 1; count++) {
        struct query q;
        struct buf text;

        buf_init(&text, 1000);
        for (size_t i = 1; i < count; i++)
            assert_int_equal(0, buf_append_str(&text, "a&"));
        assert_int_equal(0, buf_append_str(&text, "a"));
        assert_int_equal(count <= QUERY_MAX ? 0 : -1,
                         query_parse(&q, text.data));
        assert_int_equal(count <= QUERY_MAX ? count : 0, q.count);
        query_release(&q);
        buf_release(&text);
    }
}

static void nothing_is_there_before(void **state)
{
    struct query q = { 0 };

    (void)state;
    assert_null(query_find(&q, "a", NULL));
    query_release(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_parameters),
        cmocka_unit_test(limits_their_number),
        cmocka_unit_test(nothing_is_there_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
