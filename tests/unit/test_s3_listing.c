/* Pages of a bucket's listing. */
#include "poller/s3_listing.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define HEAD                                                                   \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                             \
    "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"     \
    "<Name>shots</Name><KeyCount>1</KeyCount>"
#define END "<IsTruncated>false</IsTruncated></ListBucketResult>"
#define OBJECT(key, at, size)                                                  \
    "<Contents><Key>" key "</Key><LastModified>" at                            \
    "</LastModified><ETag>&quot;x&quot;</ETag><Size>" size                     \
    "</Size><StorageClass>STANDARD</StorageClass></Contents>"
#define AT "2026-01-31T12:00:00.250Z"

static int parse(struct s3_listing *out, const char *xml)
{
    return s3_listing_parse(out, xml, strlen(xml));
}

static void objects(void **state)
{
    struct s3_listing l;

    (void)state;
    assert_int_equal(parse(&l, HEAD OBJECT("a/b.png", AT, "71")
                                   OBJECT("c &amp; &lt;d&#39;", AT, "0") END),
                     0);
    assert_int_equal(l.count, 2);
    assert_false(l.more);
    assert_string_equal(l.objects[0].key, "a/b.png");
    assert_int_equal(l.objects[0].bytes, 71);
    assert_int_equal(l.objects[0].modified_ms, 1769860800250);
    assert_string_equal(l.objects[1].key, "c & <d'");
    s3_listing_release(&l);
}

static void more_and_none(void **state)
{
    struct s3_listing l;

    (void)state;
    assert_int_equal(parse(&l, HEAD END), 0);
    assert_int_equal(l.count, 0);
    s3_listing_release(&l);
    assert_int_equal(parse(&l, HEAD "<IsTruncated>true</IsTruncated>" OBJECT(
                                   "a", AT, "1") "</ListBucketResult>"),
                     0);
    assert_true(l.more);
    s3_listing_release(&l);
}

static void what_is_no_listing(void **state)
{
    static const char *const texts[] = {
        "",
        "<html>maintenance</html>",
        "<ListBucketResult>",
        "<Error><Code>NoSuchBucket</Code></Error>",
        HEAD "<Contents><Key>a</Key></Contents>" END,
        HEAD OBJECT("a", "yesterday", "1") END,
        HEAD OBJECT("a", AT, "") END,
        HEAD OBJECT("a", AT, "-1") END,
        HEAD OBJECT("a", AT, "1e3") END,
        HEAD OBJECT("a", AT, "1234567890123456789") END,
        HEAD OBJECT("a&nbsp;", AT, "1") END,
        HEAD OBJECT("a&", AT, "1") END,
        HEAD OBJECT(
            "a", "2026-01-31T12:00:00.00000000000000000000000000000000Z", "1")
            END,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct s3_listing l;

        assert_int_equal(parse(&l, texts[i]), -1);
        s3_listing_release(&l);
    }
}

/* A key ends where the text does. */
static void nothing_behind_the_text_is_read(void **state)
{
    static const char xml[] = HEAD OBJECT("a", AT, "1") END;

    (void)state;
    for (size_t len = 0; len < sizeof xml - 1; len++) {
        char *copy = malloc(len ? len : 1); /* for the address sanitizer */
        struct s3_listing l;

        memcpy(copy, xml, len);
        if (s3_listing_parse(&l, copy, len) == 0)
            assert_true(l.count <= 1);
        s3_listing_release(&l);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects),
        cmocka_unit_test(more_and_none),
        cmocka_unit_test(what_is_no_listing),
        cmocka_unit_test(nothing_behind_the_text_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
