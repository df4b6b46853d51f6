#include <stdlib.h>
#include <string.h>

#include "common/token.h"
#include "tests/unit/unit.h"

static const char job[] = "01890a5d-ac96-774b-bcce-b302099a8057";
static const struct secret key = { "a key", 5, NULL };

static void a_token_fits_its_job_and_attempt(void **state)
{
    struct secret items[] = { { "new", 3, NULL }, key };
    struct secrets keys = { items, 2 };
    char token[TOKEN_SIZE];

    (void)state;
    token_make(&key, job, 1, token);
    assert_int_equal(strlen(token), TOKEN_SIZE - 1);
    assert_int_equal(strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789-_"),
                     TOKEN_SIZE - 1);
    assert_true(token_check(&keys, job, 1, token));
    assert_false(token_check(&keys, job, 2, token));
    assert_false(token_check(&keys, job, 11, token));
    assert_false(
        token_check(&keys, "01890a5d-ac96-774b-bcce-b302099a8058", 1, token));
    keys.count = 1;
    assert_false(token_check(&keys, job, 1, token));
    keys.count = 0;
    assert_false(token_check(&keys, job, 1, token));
}

static void a_changed_token_does_not_fit(void **state)
{
    struct secret items[] = { key };
    struct secrets keys = { items, 1 };
    char token[TOKEN_SIZE + 1];

    (void)state;
    assert_false(token_check(&keys, job, 1, ""));
    token_make(&key, job, 1, token);
    token[TOKEN_SIZE - 1] = 'x';
    token[TOKEN_SIZE] = '\0';
    assert_false(token_check(&keys, job, 1, token));
    token[TOKEN_SIZE - 2] = '\0';
    assert_false(token_check(&keys, job, 1, token));
    for (size_t i = 0; i < TOKEN_SIZE - 1; i++) {
        token_make(&key, job, 1, token);
        token[i] = token[i] == 'A' ? 'B' : 'A';
        assert_false(token_check(&keys, job, 1, token));
    }
}

/* A provider that signs bodies with the same key must not be a source of
 * tokens. */
static void a_token_is_no_signature_of_its_parts(void **state)
{
    struct signature_scheme scheme = { .layout = SIGNATURE_PLAIN,
                                       .encoding = SIGNATURE_BASE64,
                                       .template = "{body}" };
    static const char parts[] = "01890a5d-ac96-774b-bcce-b302099a8057\n1";
    char token[TOKEN_SIZE];
    char *signature =
        signature_make(&scheme, &key, NULL, NULL, parts, sizeof parts - 1);

    (void)state;
    token_make(&key, job, 1, token);
    for (char *c = signature; *c; c++) /* the alphabets differ in two */
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    assert_int_equal(signature[TOKEN_SIZE - 1], '=');
    signature[TOKEN_SIZE - 1] = '\0';
    assert_string_not_equal(signature, token);
    free(signature);
}

static void check_url(const char *base, const char *expected_start)
{
    char *url = webhook_url_make(base, NULL, job, 2);
    char *with_token = webhook_url_make(base, &key, job, 2);
    char token[TOKEN_SIZE];

    assert_memory_equal(url, expected_start, strlen(expected_start));
    assert_string_equal(url + strlen(expected_start),
                        "jobId=01890a5d-ac96-774b-bcce-b302099a8057&attempt=2");
    assert_memory_equal(with_token, url, strlen(url));
    assert_memory_equal(with_token + strlen(url), "&token=", 7);
    token_make(&key, job, 2, token);
    assert_string_equal(with_token + strlen(url) + 7, token);
    free(url);
    free(with_token);
}

static void urls_keep_their_query(void **state)
{
    (void)state;
    check_url("http://h/webhooks/p", "http://h/webhooks/p?");
    check_url("http://h/webhooks/p?", "http://h/webhooks/p?");
    check_url("http://h/webhooks/p?a=b", "http://h/webhooks/p?a=b&");
    check_url("http://h/webhooks/p?a=b&", "http://h/webhooks/p?a=b&");
}

static void uuids_have_one_form(void **state)
{
    (void)state;
    assert_true(uuid_is_valid(job));
    assert_true(uuid_is_valid("01890A5D-AC96-774B-BCCE-B302099A8057"));
    assert_true(uuid_is_valid("00000000-0000-0000-0000-000000000000"));
    assert_false(uuid_is_valid(""));
    assert_false(uuid_is_valid("01890a5d-ac96-774b-bcce-b302099a805"));
    assert_false(uuid_is_valid("01890a5d-ac96-774b-bcce-b302099a80570"));
    assert_false(uuid_is_valid("01890a5dac96-774b-bcce-b302099a80570-"));
    assert_false(uuid_is_valid("01890a5d-ac96-774b-bcce-b302099a805g"));
    assert_false(uuid_is_valid("{1890a5d-ac96-774b-bcce-b302099a8057"));
    assert_false(uuid_is_valid("01890a5dac96774bbcceb302099a8057"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_fits_its_job_and_attempt),
        cmocka_unit_test(a_changed_token_does_not_fit),
        cmocka_unit_test(a_token_is_no_signature_of_its_parts),
        cmocka_unit_test(urls_keep_their_query),
        cmocka_unit_test(uuids_have_one_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
