#include <string.h>

#include "api/watch_token.h"
#include "tests/unit/unit.h"

enum { NOW = 1700000000 };

static const struct watch_claim capture = {
    .kind = WATCH_CAPTURE,
    .id = "01890a5d-ac96-774b-bcce-b302099a8057",
    .expires_s = NOW,
};
static struct secret items[] = { { "new", 3, NULL }, { "a key", 5, NULL } };
static const struct secrets keys = { items, 2 };

static bool fits(const char *token)
{
    struct watch_claim got;

    return watch_token_check(&keys, token, NOW - 1, &got);
}

static void a_token_says_what_it_is_for(void **state)
{
    struct watch_claim batch = capture;
    struct watch_claim got;
    char token[WATCH_TOKEN_SIZE];

    (void)state;
    watch_token_make(&items[1], &capture, token);
    assert_true(watch_token_check(&keys, token, NOW - 1, &got));
    assert_int_equal(got.kind, WATCH_CAPTURE);
    assert_string_equal(got.id, capture.id);
    assert_int_equal(got.expires_s, NOW);

    batch.kind = WATCH_BATCH;
    watch_token_make(&items[0], &batch, token);
    assert_true(watch_token_check(&keys, token, NOW - 1, &got));
    assert_int_equal(got.kind, WATCH_BATCH);
}

static void it_expires_to_the_second(void **state)
{
    struct watch_claim got;
    char token[WATCH_TOKEN_SIZE];

    (void)state;
    watch_token_make(&items[0], &capture, token);
    assert_true(watch_token_check(&keys, token, NOW - 1, &got));
    assert_false(watch_token_check(&keys, token, NOW, &got));
    assert_false(watch_token_check(&keys, token, NOW + 1, &got));
}

static void only_the_fleets_own_keys_make_one(void **state)
{
    const struct secret other = { "another", 7, NULL };
    const struct secrets none = { 0 };
    struct watch_claim got;
    char token[WATCH_TOKEN_SIZE];

    (void)state;
    watch_token_make(&other, &capture, token);
    assert_false(fits(token));
    watch_token_make(&items[0], &capture, token);
    assert_false(watch_token_check(&none, token, NOW - 1, &got));
}

/* Every byte counts, in the claim and in the HMAC; so do more and fewer. */
static void a_changed_token_does_not_fit(void **state)
{
    char token[WATCH_TOKEN_SIZE + 1];
    size_t len;

    (void)state;
    watch_token_make(&items[0], &capture, token);
    len = strlen(token);
    for (size_t i = 0; i < len; i++) {
        char before = token[i];

        token[i] = before == 'b' ? 'c' : 'b';
        assert_false(fits(token));
        token[i] = '\0';
        assert_false(fits(token));
        token[i] = before;
    }
    assert_true(fits(token));
    token[len] = 'A';
    token[len + 1] = '\0';
    assert_false(fits(token));
}

static void other_texts_are_no_tokens(void **state)
{
    static const char *const texts[] = {
        "",
        "c",
        "c.",
        "x.01890a5d-ac96-774b-bcce-b302099a8057.1700000000.",
        "c.01890a5d-ac96-774b-bcce-b302099a8057.",
        "c.01890a5d-ac96-774b-bcce-b302099a8057..",
        "c.01890a5d-ac96-774b-bcce-b302099a8057.-1.x",
        "c.01890a5d-ac96-774b-bcce-b302099a8057.9999999999999.x",
        "c.01890a5d-ac96-774b-bcce-b302099a8057.99999999999999999999999.x",
        "c.01890a5d-ac96-774b-bcce-b302099a805.1700000000.x",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(fits(texts[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_says_what_it_is_for),
        cmocka_unit_test(it_expires_to_the_second),
        cmocka_unit_test(only_the_fleets_own_keys_make_one),
        cmocka_unit_test(a_changed_token_does_not_fit),
        cmocka_unit_test(other_texts_are_no_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
