/* The five dialects of the test vectors, both ways; every way to be wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/signature.h"
#include "tests/unit/unit.h"

static const char body[] =
    "{\"success\":true,\"imageUrl\":\"http://127.0.0.1:9/"
    "x.png\",\"error\":null,\"metadata\":{\"width\":1,"
    "\"height\":1,\"size\":67}}";
enum { BODY_LEN = sizeof body - 1 };

static const int64_t sent_ms = INT64_C(1700000000000);
static const int64_t max_age_ms = 300000;
static const int64_t max_future_ms = 60000;

struct vector {
    const char *name;
    struct signature_scheme scheme;
    const char *signature, *timestamp, *id;
};

enum {
    VECTOR_HEADER_MS,
    VECTOR_PREFIX,
    VECTOR_COMPOSITE,
    VECTOR_UPPER,
    VECTOR_STANDARD,
    VECTOR_COUNT
};

static const struct vector vectors[VECTOR_COUNT] = {
    [VECTOR_HEADER_MS] = { "ts.body, hex, milliseconds",
                           { .layout = SIGNATURE_PLAIN,
                             .template = "{timestamp}.{body}",
                             .unit = TIMESTAMP_MILLISECONDS },
                           "4f8580beed232be6a3d8337f806f9021675554a52a9b094f4a9"
                           "64ecc4ce84640",
                           "1700000000000",
                           NULL },
    [VECTOR_PREFIX] = { "body only, sha256= + hex",
                        { .layout = SIGNATURE_PREFIX,
                          .prefix = "sha256=",
                          .template = "{body}" },
                        "sha256="
                        "ed2f937dcbb2e01f15b4e9924e956200a7858ddfc369f63ac6485b"
                        "c0234673b7",
                        NULL,
                        NULL },
    [VECTOR_COMPOSITE] = { "one header with both, seconds",
                           { .layout = SIGNATURE_COMPOSITE,
                             .key_name = "sha256",
                             .timestamp_key = "t",
                             .template = "{timestamp}.{body}",
                             .unit = TIMESTAMP_SECONDS },
                           "t=1700000000,sha256="
                           "63d9f1036e3207d9e5990b672d77658352e9a224445c797b3a8"
                           "4f1563b11c9b8",
                           "1700000000",
                           NULL },
    [VECTOR_UPPER] = { "body only, upper-case hex",
                       { .layout = SIGNATURE_PLAIN, .template = "{body}" },
                       "ED2F937DCBB2E01F15B4E9924E956200A7858DDFC369F63AC6485BC"
                       "0234673B7",
                       NULL,
                       NULL },
    [VECTOR_STANDARD] = { "Standard Webhooks",
                          { .layout = SIGNATURE_LIST,
                            .encoding = SIGNATURE_BASE64,
                            .prefix = "v1",
                            .template = "{id}.{timestamp}.{body}",
                            .unit = TIMESTAMP_SECONDS },
                          "v1,rWgpPKXxjNihvG0d5YjcfQY+nlxVPcFsMEZ7UoKYpRA=",
                          "1700000000",
                          "msg_1" },
};

static struct secrets keys_of(const char *list)
{
    struct secrets keys;
    char error[128];

    assert_int_equal(secrets_parse(&keys, list, false, error, sizeof error), 0);
    return keys;
}

/* `v` judged with another header, at another time. */
static enum signature_verdict judge_at(const struct vector *v,
                                       const char *signature, int64_t now_ms)
{
    struct secrets keys = keys_of("whsec_test");
    struct signature_input input = { signature, v->timestamp, v->id, body,
                                     BODY_LEN };
    enum signature_verdict verdict = signature_verify(
        &v->scheme, &keys, &input, now_ms, max_age_ms, max_future_ms, NULL);

    secrets_release(&keys);
    return verdict;
}

static enum signature_verdict judge(const struct vector *v,
                                    const char *signature)
{
    return judge_at(v, signature, sent_ms);
}

static void the_body_has_111_bytes(void **state)
{
    (void)state;
    assert_int_equal(BODY_LEN, 111);
}

static void vectors_are_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        print_message("  %s\n", vectors[i].name);
        assert_int_equal(judge(&vectors[i], vectors[i].signature),
                         SIGNATURE_FINE);
    }
}

static void vectors_are_made(void **state)
{
    struct secret key = { "whsec_test", 10, NULL };

    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        const struct vector *v = &vectors[i];
        char *made = signature_make(&v->scheme, &key, v->id, v->timestamp, body,
                                    BODY_LEN);

        print_message("  %s\n", v->name);
        if (i == VECTOR_UPPER) /* ours are lower case */
            assert_int_equal(strcasecmp(made, v->signature), 0);
        else
            assert_string_equal(made, v->signature);
        free(made);
    }
}

static void every_algorithm_and_encoding_goes_round(void **state)
{
    static const char binary[] = "\0\1\xff{}";
    struct secrets keys = keys_of("a key, another");

    (void)state;
    for (int algorithm = 0; algorithm <= SIGNATURE_SHA1; algorithm++) {
        for (int encoding = 0; encoding <= SIGNATURE_BASE64; encoding++) {
            struct signature_scheme scheme = {
                .layout = SIGNATURE_PLAIN,
                .algorithm = (enum signature_algorithm)algorithm,
                .encoding = (enum signature_encoding)encoding,
                .template = "x{body}y{id}z{body}",
            };
            struct signature_input input = { NULL, NULL, "id", binary, 5 };
            char *made =
                signature_make(&scheme, &keys.items[1], "id", NULL, binary, 5);
            size_t key = 9;

            input.signature = made;
            assert_int_equal(
                signature_verify(&scheme, &keys, &input, 0, 0, 0, &key),
                SIGNATURE_FINE);
            assert_int_equal(key, 1);
            input.body_len = 4;
            assert_int_equal(
                signature_verify(&scheme, &keys, &input, 0, 0, 0, &key),
                SIGNATURE_WRONG);
            free(made);
        }
    }
    secrets_release(&keys);
}

/* RFC 2202, 3, test 2; RFC 4231, 4.3. */
static void digests_are_the_standard_ones(void **state)
{
    static const struct {
        enum signature_algorithm algorithm;
        const char *hex;
    } cases[] = {
        { SIGNATURE_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
        { SIGNATURE_SHA256, "5bdcc146bf60754e6a042426089575c7"
                            "5a003f089d2739839dec58b964ec3843" },
        { SIGNATURE_SHA512, "164b7a7bfcf819e2e395fbe73b56e0a3"
                            "87bd64222e831fd610270cd7ea250554"
                            "9758bf75c05a994a6d034f65f8f0e6fd"
                            "caeab1a34d4a6b4b636e070a38bce737" },
    };
    struct secret key = { "Jefe", 4, NULL };
    struct piece pieces[] = { { "what do ya want ", 16 },
                              { "for nothing?", 12 } };
    uint8_t digest[DIGEST_MAX];
    char hex[2 * DIGEST_MAX + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t size = hmac_digest(cases[i].algorithm, &key, pieces,
                                  ARRAY_LEN(pieces), digest);

        assert_int_equal(size, digest_size(cases[i].algorithm));
        hex_encode(digest, size, hex);
        assert_string_equal(hex, cases[i].hex);
    }
    sha256_hex("abc", 3, hex); /* FIPS 180-2, B.1 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
                             "b00361a396177a9cb410ff61f20015ad");
}

static void prepared_keys_give_the_same(void **state)
{
    static const enum signature_algorithm all[] = { SIGNATURE_SHA256,
                                                    SIGNATURE_SHA512,
                                                    SIGNATURE_SHA1 };
    struct secrets keys = keys_of("Jefe,another");
    struct secret plain = { "Jefe", 4, NULL };
    struct piece pieces[] = { { "what do ya want ", 16 }, { "", 0 } };
    uint8_t expected[DIGEST_MAX], digest[DIGEST_MAX];

    (void)state;
    secrets_prepare(&keys, SIGNATURE_SHA256);
    for (size_t i = 0; i < 3 * ARRAY_LEN(all); i++) {
        enum signature_algorithm a = all[i % ARRAY_LEN(all)];
        size_t count = i % 2 + 1; /* nothing of the last one may stay */
        size_t size = hmac_digest(a, &plain, pieces, count, expected);

        assert_int_equal(hmac_digest(a, &keys.items[0], pieces, count, digest),
                         size);
        assert_memory_equal(digest, expected, size);
        hmac_digest(a, &keys.items[1], pieces, count, digest);
        assert_memory_not_equal(digest, expected, size);
    }
    secrets_release(&keys);
}

static void any_difference_is_wrong(void **state)
{
    struct secrets keys = keys_of("whsec_test");
    size_t key = 7;

    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        const struct vector *v = &vectors[i];
        struct signature_input input = { v->signature, v->timestamp, v->id,
                                         body, BODY_LEN - 1 };

        assert_int_equal(signature_verify(&v->scheme, &keys, &input, sent_ms,
                                          max_age_ms, max_future_ms, &key),
                         SIGNATURE_WRONG);
        input.body_len = BODY_LEN + 1;
        assert_int_equal(signature_verify(&v->scheme, &keys, &input, sent_ms,
                                          max_age_ms, max_future_ms, &key),
                         SIGNATURE_WRONG);
    }
    assert_int_equal(key, 7);
    secrets_release(&keys);

    keys = keys_of("whsec_tesT");
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        const struct vector *v = &vectors[i];
        struct signature_input input = { v->signature, v->timestamp, v->id,
                                         body, BODY_LEN };

        assert_int_equal(signature_verify(&v->scheme, &keys, &input, sent_ms,
                                          max_age_ms, max_future_ms, NULL),
                         SIGNATURE_WRONG);
    }
    secrets_release(&keys);
}

static void signed_texts_are_signed(void **state)
{
    struct secrets keys = keys_of("whsec_test");
    struct vector v = vectors[VECTOR_STANDARD];

    (void)state;
    v.id = "msg_2";
    assert_int_equal(judge(&v, v.signature), SIGNATURE_WRONG);
    v.id = NULL;
    assert_int_equal(judge(&v, v.signature), SIGNATURE_MISSING);
    v = vectors[VECTOR_STANDARD];
    v.timestamp = "1700000001";
    assert_int_equal(judge(&v, v.signature), SIGNATURE_WRONG);
    v.timestamp = "01700000000"; /* the same instant, other bytes */
    assert_int_equal(judge(&v, v.signature), SIGNATURE_WRONG);
    secrets_release(&keys);
}

static void any_of_several_keys_will_do(void **state)
{
    static const char *const lists[] = { "whsec_test", "new,whsec_test",
                                         " new , old,, whsec_test\n" };
    const struct vector *v = &vectors[VECTOR_COMPOSITE];
    struct signature_input input = { v->signature, NULL, NULL, body, BODY_LEN };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct secrets keys = keys_of(lists[i]);
        size_t key = 99;

        assert_int_equal(keys.count, i + 1);
        assert_int_equal(signature_verify(&v->scheme, &keys, &input, sent_ms,
                                          max_age_ms, max_future_ms, &key),
                         SIGNATURE_FINE);
        assert_int_equal(key, i);
        secrets_release(&keys);
    }
}

static void no_key_is_no_match(void **state)
{
    const struct vector *v = &vectors[VECTOR_PREFIX];
    struct secrets keys = keys_of(" , ,");
    struct signature_input input = { v->signature, NULL, NULL, body, BODY_LEN };

    (void)state;
    assert_int_equal(keys.count, 0);
    assert_int_equal(
        signature_verify(&v->scheme, &keys, &input, sent_ms, 0, 0, NULL),
        SIGNATURE_WRONG);
    secrets_release(&keys);
}

static void age_and_future_have_exact_limits(void **state)
{
    static const size_t with_time[] = { VECTOR_HEADER_MS, VECTOR_COMPOSITE,
                                        VECTOR_STANDARD };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(with_time); i++) {
        const struct vector *v = &vectors[with_time[i]];
        const int64_t oldest = sent_ms + max_age_ms;
        const int64_t newest = sent_ms - max_future_ms;

        assert_int_equal(judge_at(v, v->signature, oldest - 1), SIGNATURE_FINE);
        assert_int_equal(judge_at(v, v->signature, oldest), SIGNATURE_FINE);
        assert_int_equal(judge_at(v, v->signature, oldest + 1),
                         SIGNATURE_TOO_OLD);
        assert_int_equal(judge_at(v, v->signature, newest + 1), SIGNATURE_FINE);
        assert_int_equal(judge_at(v, v->signature, newest), SIGNATURE_FINE);
        assert_int_equal(judge_at(v, v->signature, newest - 1),
                         SIGNATURE_TOO_NEW);
    }
    /* no timestamp, no age */
    assert_int_equal(
        judge_at(&vectors[VECTOR_PREFIX], vectors[VECTOR_PREFIX].signature, 0),
        SIGNATURE_FINE);
}

static void the_signature_is_judged_before_the_clock(void **state)
{
    const struct vector *v = &vectors[VECTOR_HEADER_MS];
    const char *wrong =
        "0000000000000000000000000000000000000000000000000000000000000000";

    (void)state;
    assert_int_equal(judge_at(v, wrong, sent_ms + 2 * max_age_ms),
                     SIGNATURE_WRONG);
    assert_int_equal(judge_at(v, v->signature, sent_ms + 2 * max_age_ms),
                     SIGNATURE_TOO_OLD);
}

/* A dialect whose timestamp stands beside the signature, unsigned. */
static void an_unsigned_timestamp_is_looked_at_last(void **state)
{
    struct vector v = vectors[VECTOR_PREFIX];
    char wrong[128];

    (void)state;
    snprintf(wrong, sizeof wrong, "sha256=%064d", 0);
    v.scheme.unit = TIMESTAMP_SECONDS;
    assert_int_equal(judge(&v, wrong), SIGNATURE_WRONG);
    assert_int_equal(judge(&v, v.signature), SIGNATURE_NO_TIMESTAMP);
    v.timestamp = "yesterday";
    assert_int_equal(judge(&v, wrong), SIGNATURE_WRONG);
    assert_int_equal(judge(&v, v.signature), SIGNATURE_BAD_TIMESTAMP);
    v.timestamp = "1700000000";
    assert_int_equal(judge(&v, v.signature), SIGNATURE_FINE);
}

static void missing_and_bad_timestamps_are_named(void **state)
{
    struct secret key = { "whsec_test", 10, NULL };
    struct vector v = vectors[VECTOR_HEADER_MS];
    char *made = NULL;

    (void)state;
    v.timestamp = NULL;
    assert_int_equal(judge(&v, v.signature), SIGNATURE_NO_TIMESTAMP);

    v.timestamp = "1700000000000x";
    made = signature_make(&v.scheme, &key, NULL, v.timestamp, body, BODY_LEN);
    assert_int_equal(judge(&v, made), SIGNATURE_BAD_TIMESTAMP);
    free(made);

    /* seconds where milliseconds belong are 1970, and the other way round is
     * past the year 9999 */
    v.timestamp = "1700000000";
    made = signature_make(&v.scheme, &key, NULL, v.timestamp, body, BODY_LEN);
    assert_int_equal(judge(&v, made), SIGNATURE_TOO_OLD);
    free(made);
    v = vectors[VECTOR_STANDARD];
    v.timestamp = "1700000000000";
    made = signature_make(&v.scheme, &key, v.id, v.timestamp, body, BODY_LEN);
    assert_int_equal(judge(&v, made), SIGNATURE_BAD_TIMESTAMP);
    free(made);

    v = vectors[VECTOR_COMPOSITE];
    v.timestamp = "1700000000"; /* a header is not where it should stand */
    assert_int_equal(
        judge(&v, "sha256=63d9f1036e3207d9e5990b672d77658352e9a224445c797b3a84f"
                  "1563b11c9b8"),
        SIGNATURE_NO_TIMESTAMP);
}

#define ZEROS32 "00000000000000000000000000000000"

static void malformed_headers_are_told_from_wrong_ones(void **state)
{
    static const struct {
        size_t vector;
        const char *header;
        enum signature_verdict verdict;
    } cases[] = {
        { VECTOR_HEADER_MS, NULL, SIGNATURE_MISSING },
        { VECTOR_HEADER_MS, "", SIGNATURE_MALFORMED },
        { VECTOR_HEADER_MS, ZEROS32 ZEROS32, SIGNATURE_WRONG },
        { VECTOR_HEADER_MS, ZEROS32, SIGNATURE_MALFORMED },
        { VECTOR_HEADER_MS, ZEROS32 ZEROS32 "0", SIGNATURE_MALFORMED },
        { VECTOR_HEADER_MS, ZEROS32 ZEROS32 "00", SIGNATURE_MALFORMED },
        { VECTOR_HEADER_MS, "g" ZEROS32 ZEROS32, SIGNATURE_MALFORMED },
        { VECTOR_HEADER_MS, " " ZEROS32 ZEROS32, SIGNATURE_MALFORMED },
        { VECTOR_HEADER_MS, "sha256=" ZEROS32 ZEROS32, SIGNATURE_MALFORMED },
        { VECTOR_PREFIX, "sha256=" ZEROS32 ZEROS32, SIGNATURE_WRONG },
        { VECTOR_PREFIX, ZEROS32 ZEROS32, SIGNATURE_MALFORMED },
        { VECTOR_PREFIX, "sha256=", SIGNATURE_MALFORMED },
        { VECTOR_PREFIX, "sha1=" ZEROS32 ZEROS32, SIGNATURE_MALFORMED },
        { VECTOR_PREFIX, "SHA256=" ZEROS32 ZEROS32, SIGNATURE_MALFORMED },
        { VECTOR_COMPOSITE, "t=1700000000,sha256=" ZEROS32 ZEROS32,
          SIGNATURE_WRONG },
        { VECTOR_COMPOSITE, "", SIGNATURE_MALFORMED },
        { VECTOR_COMPOSITE, "t=1700000000", SIGNATURE_MALFORMED },
        { VECTOR_COMPOSITE, "t=1700000000,", SIGNATURE_MALFORMED },
        { VECTOR_COMPOSITE, ",t=1700000000,sha256=" ZEROS32 ZEROS32,
          SIGNATURE_MALFORMED },
        { VECTOR_COMPOSITE, "t,sha256=" ZEROS32 ZEROS32, SIGNATURE_MALFORMED },
        { VECTOR_COMPOSITE, "=1,sha256=" ZEROS32 ZEROS32, SIGNATURE_MALFORMED },
        { VECTOR_COMPOSITE, "t=,sha256=" ZEROS32 ZEROS32, SIGNATURE_MALFORMED },
        { VECTOR_COMPOSITE, "t=1,t=2,sha256=" ZEROS32 ZEROS32,
          SIGNATURE_MALFORMED },
        { VECTOR_COMPOSITE, "t=1,sha256=xyz", SIGNATURE_MALFORMED },
        { VECTOR_STANDARD, "", SIGNATURE_MALFORMED },
        { VECTOR_STANDARD, "v1", SIGNATURE_MALFORMED },
        { VECTOR_STANDARD, "v1,", SIGNATURE_MALFORMED },
        { VECTOR_STANDARD, "v1,rWgpPKXxjNihvG0d5YjcfQY+nlxVPcFsMEZ7UoKYpRA",
          SIGNATURE_MALFORMED },
        { VECTOR_STANDARD, "v2,rWgpPKXxjNihvG0d5YjcfQY+nlxVPcFsMEZ7UoKYpRA=",
          SIGNATURE_MALFORMED },
        { VECTOR_STANDARD,
          "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", SIGNATURE_WRONG },
        { VECTOR_STANDARD, "v1,AAAA", SIGNATURE_MALFORMED },
        { VECTOR_STANDARD, "v1 ,AAAA", SIGNATURE_MALFORMED },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i].header)
            print_message("  \"%s\"\n", cases[i].header);
        assert_int_equal(judge(&vectors[cases[i].vector], cases[i].header),
                         cases[i].verdict);
    }
}

static void headers_may_offer_several_signatures(void **state)
{
    const struct vector *list = &vectors[VECTOR_STANDARD];
    const struct vector *composite = &vectors[VECTOR_COMPOSITE];

    (void)state;
    assert_int_equal(judge(list,
                           "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "
                           "v1,rWgpPKXxjNihvG0d5YjcfQY+nlxVPcFsMEZ7UoKYpRA="),
                     SIGNATURE_FINE);
    assert_int_equal(judge(list,
                           "v1,rWgpPKXxjNihvG0d5YjcfQY+nlxVPcFsMEZ7UoKYpRA= "
                           "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
                     SIGNATURE_FINE);
    assert_int_equal(
        judge(list, "v1a,anything v1,rWgpPKXxjNihvG0d5YjcfQY+nlxVPcFsMEZ7UoKYp"
                    "RA=  v2,"),
        SIGNATURE_FINE);
    assert_int_equal(
        judge(composite,
              "t=1700000000, sha256=" ZEROS32 ZEROS32
              " ,v0=old,sha256=63d9f1036e3207d9e5990b672d77658352e9a224445c797b"
              "3a84f1563b11c9b8"),
        SIGNATURE_FINE);
}

static void a_header_offers_a_bounded_number(void **state)
{
    const struct vector *v = &vectors[VECTOR_STANDARD];
    char header[1024];

    (void)state;
    for (int others = SIGNATURE_DIGESTS_MAX - 2;
         others <= SIGNATURE_DIGESTS_MAX; others++) {
        size_t used = 0;

        for (int i = 0; i < others; i++)
            used += (size_t)snprintf(
                header + used, sizeof header - used,
                "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ");
        snprintf(header + used, sizeof header - used, "%s", v->signature);
        assert_int_equal(judge(v, header), others < SIGNATURE_DIGESTS_MAX
                                               ? SIGNATURE_FINE
                                               : SIGNATURE_MALFORMED);
    }
}

static void a_timestamp_in_the_header_is_bounded(void **state)
{
    const struct vector *v = &vectors[VECTOR_COMPOSITE];
    char header[256];

    (void)state;
    for (int digits = 62; digits <= 64; digits++) {
        snprintf(header, sizeof header, "t=%0*d,sha256=" ZEROS32 ZEROS32,
                 digits, 1);
        assert_int_equal(judge(v, header),
                         digits < 64 ? SIGNATURE_WRONG : SIGNATURE_MALFORMED);
    }
}

static void verdicts_have_names(void **state)
{
    (void)state;
    for (int v = SIGNATURE_FINE; v <= SIGNATURE_TOO_NEW; v++)
        assert_non_null(signature_verdict_name((enum signature_verdict)v));
    assert_string_equal(signature_verdict_name(SIGNATURE_WRONG),
                        "wrong-signature");
}

static void templates_are_checked(void **state)
{
    static const struct {
        const char *template;
        const char *error; /* NULL: fine */
    } cases[] = {
        { "{body}", NULL },
        { "v0:{timestamp}:{body}", NULL },
        { "{id}{timestamp}{body}", NULL },
        { "a}b{body}", NULL },
        { "", "must contain {body}: the body would be unsigned" },
        { "{timestamp}.", "must contain {body}: the body would be unsigned" },
        { "{Body}", "\"{Body}\" is not one of {id}, {timestamp}, {body}" },
        { "{body}{", "\"{\" is not one of {id}, {timestamp}, {body}" },
        { "{{body}}", "\"{{body}\" is not one of {id}, {timestamp}, {body}" },
        { "{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{body}",
          NULL },
        { "x{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{body}",
          "has too many pieces" },
    };
    char error[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int result =
            signature_template_check(cases[i].template, error, sizeof error);

        assert_int_equal(result, cases[i].error ? -1 : 0);
        if (cases[i].error)
            assert_string_equal(error, cases[i].error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_body_has_111_bytes),
        cmocka_unit_test(vectors_are_accepted),
        cmocka_unit_test(vectors_are_made),
        cmocka_unit_test(every_algorithm_and_encoding_goes_round),
        cmocka_unit_test(digests_are_the_standard_ones),
        cmocka_unit_test(prepared_keys_give_the_same),
        cmocka_unit_test(any_difference_is_wrong),
        cmocka_unit_test(signed_texts_are_signed),
        cmocka_unit_test(any_of_several_keys_will_do),
        cmocka_unit_test(no_key_is_no_match),
        cmocka_unit_test(age_and_future_have_exact_limits),
        cmocka_unit_test(the_signature_is_judged_before_the_clock),
        cmocka_unit_test(an_unsigned_timestamp_is_looked_at_last),
        cmocka_unit_test(missing_and_bad_timestamps_are_named),
        cmocka_unit_test(malformed_headers_are_told_from_wrong_ones),
        cmocka_unit_test(headers_may_offer_several_signatures),
        cmocka_unit_test(a_header_offers_a_bounded_number),
        cmocka_unit_test(a_timestamp_in_the_header_is_bounded),
        cmocka_unit_test(verdicts_have_names),
        cmocka_unit_test(templates_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
