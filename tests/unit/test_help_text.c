#include <stdlib.h>
#include <string.h>

#include "cli/help_text.h"
#include "tests/unit/unit.h"

static void expect(struct help_reader *r, enum help_kind kind, const char *tag,
                   const char *text)
{
    assert_int_equal(kind, help_next(r));
    assert_string_equal(tag, r->tag);
    assert_string_equal(text, r->text.data ? r->text.data : "");
}

static void reads_paragraphs_and_items(void **state)
{
    struct help_reader r;

    (void)state;
    help_reader_init(&r, "One\ntwo.\n\n"
                         "  -o, --output DIR  saves\n"
                         "                    it\n"
                         "  list  shows\n\n"
                         "  nc -l 9000\n"
                         "at the margin");
    expect(&r, HELP_PARAGRAPH, "", "One two.");
    expect(&r, HELP_ITEM, "-o, --output DIR", "saves it");
    expect(&r, HELP_ITEM, "list", "shows");
    expect(&r, HELP_ITEM, "nc -l 9000", "");
    expect(&r, HELP_PARAGRAPH, "", "at the margin");
    expect(&r, HELP_END, "", "");
    expect(&r, HELP_END, "", "");
    help_reader_release(&r);
}

static void knows_an_empty_help(void **state)
{
    struct help_reader r;

    (void)state;
    help_reader_init(&r, "\n\n");
    expect(&r, HELP_END, "", "");
    help_reader_release(&r);
}

static void finds_option_names(void **state)
{
    static const char *const cases[][2] = {
        { "--json", "json" },
        { "-o, --output DIR", "output" },
        { "--option NAME=VALUE", "option" },
        { "--time=S", "time" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *name = help_option_name(cases[i][0]);

        assert_string_equal(cases[i][1], name);
        free(name);
    }
    assert_null(help_option_name("list"));
    assert_null(help_option_name("-o"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_paragraphs_and_items),
        cmocka_unit_test(knows_an_empty_help),
        cmocka_unit_test(finds_option_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
