/* What a provider is sent, by its profile. */
#include "worker/submission_request.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "unit.h"

#define WEBHOOK                                                                \
    "\"webhook\":{\"auth\":{\"kind\":\"url-token\"},"                          \
    "\"payload\":{\"image\":\"body:url\"}}"

static struct job a_job(const char *options)
{
    return (struct job){ .found = true,
                         .id = "01a0e1f7-aaaa-7bbb-8ccc-000000000001",
                         .attempt = 2,
                         .url = "https://page.example/?a=1&b=\303\244",
                         .options = (char *)options };
}

/* `submit` is what stands in the profile's section besides base_url, path,
 * url_field and webhook_field. */
static int make(struct submission_request *r, const char *submit,
                const char *options)
{
    char *text = mem_format(
        "{\"name\":\"p\",\"submit\":{\"base_url\":\"https://api.example\","
        "\"path\":\"/shots\",%s},%s}",
        submit, WEBHOOK);
    struct profile profile;
    struct job job = a_job(options);
    char error[256] = "";
    int rc;

    for (char *c = text; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    rc = profile_parse(&profile, "p.json", text, strlen(text), error,
                       sizeof error);
    if (rc != 0)
        fail_msg("%s", error);
    rc = submission_request_init(
        r,
        &(struct provider){ .profile = &profile,
                            .base_url = (char *)"https://api.example",
                            .key = (char *)"k/1" },
        &job, "https://hook.example/?t=1", error, sizeof error);
    profile_release(&profile);
    free(text);
    return rc;
}

static void check(const char *submit, const char *options, const char *url,
                  const char *type, const char *body)
{
    struct submission_request r;

    print_message("  %s\n", submit);
    assert_int_equal(make(&r, submit, options), 0);
    assert_string_equal(r.url, url);
    if (body) {
        assert_string_equal(r.body, body);
        assert_int_equal(r.header_count, 1);
        assert_non_null(strstr(r.headers[0], type));
    } else {
        assert_null(r.body);
        assert_null(r.headers);
    }
    submission_request_release(&r);
}

#define FLAT "'url_field':'url','webhook_field':'hook'"
#define URL "https://api.example/shots"
#define PAGE "https%3A%2F%2Fpage.example%2F%3Fa%3D1%26b%3D%C3%A4"
#define HOOK "https%3A%2F%2Fhook.example%2F%3Ft%3D1"

static void json_nests(void **state)
{
    (void)state;
    check("'url_field':'page.url','webhook_field':'page.call.hook',"
          "'constants':{'page.fast':true,'n':1}",
          "{\"width\":5,\"page\":{\"x\":null}}", URL, "application/json",
          "{\"width\":5,\"page\":{\"x\":null,\"fast\":true,"
          "\"url\":\"https://page.example/?a=1&b=\303\244\","
          "\"call\":{\"hook\":\"https://hook.example/?t=1\"}},\"n\":1}");
}

static void forms_and_queries(void **state)
{
    const char *options = "{\"full\":true,\"hide\":[\"a\",\".b c\"],"
                          "\"nothing\":null,\"o\":{\"x\":1}}";

    (void)state;
    check("'form':'form'," FLAT, options, URL, "x-www-form-urlencoded",
          "full=true&hide=a&hide=.b%20c&o=%7B%20%22x%22%3A%201%20%7D"
          "&url=" PAGE "&hook=" HOOK);
    check("'form':'query'," FLAT, "{\"w\":5}",
          URL "?w=5&url=" PAGE "&hook=" HOOK, NULL, NULL);
    check("'form':'query','auth':{'field':'access.key'}," FLAT, "{}",
          URL "?url=" PAGE "&hook=" HOOK "&access.key=k%2F1", NULL, NULL);
}

static void options_are_renamed_and_changed(void **state)
{
    const char *submit =
        "'form':'query','only_options':true,'options':{"
        "'fullPage':'full_page','delay':{'field':'wait','scale':0.001},"
        "'dpr':{'field':'retina','values':{'2':true,'1':false}},"
        "'hide':{'field':'hidden','join':','}}," FLAT;

    (void)state;
    check(submit,
          "{\"fullPage\":true,\"delay\":1500,\"dpr\":2,"
          "\"hide\":[\"a\",\"b\"],\"unknown\":1}",
          URL "?full_page=true&wait=1.5&retina=true&hidden=a%2Cb&url=" PAGE
              "&hook=" HOOK,
          NULL, NULL);
    check(submit, "{\"delay\":2000,\"dpr\":3,\"hide\":\"a\"}",
          URL "?wait=2&retina=3&hidden=a&url=" PAGE "&hook=" HOOK, NULL, NULL);
}

static void constants_may_name_the_job(void **state)
{
    (void)state;
    check("'form':'query','constants':{'id':'x/{job}-{attempt}/{job}'}," FLAT,
          "{\"id\":\"the user's\"}",
          URL "?id=x%2F01a0e1f7-aaaa-7bbb-8ccc-000000000001-2%2F"
              "01a0e1f7-aaaa-7bbb-8ccc-000000000001&url=" PAGE "&hook=" HOOK,
          NULL, NULL);
}

static void each_attempt_has_one_idempotency_key(void **state)
{
    struct submission_request r;

    (void)state;
    assert_int_equal(
        make(&r, "'idempotency_header':'Idempotency-Key'," FLAT, "{}"), 0);
    assert_int_equal(r.header_count, 2);
    assert_string_equal(
        r.headers[1],
        "Idempotency-Key: 01a0e1f7-aaaa-7bbb-8ccc-000000000001-2");
    assert_null(r.headers[2]);
    submission_request_release(&r);
}

static char *part(char *before, const char *boundary, const char *name,
                  const char *value)
{
    char *text = mem_format("%s--%s\r\nContent-Disposition: form-data; "
                            "name=\"%s\"\r\n\r\n%s\r\n",
                            before, boundary, name, value);

    free(before);
    return text;
}

static void multipart_has_a_part_for_each_field(void **state)
{
    static const char type[] = "Content-Type: multipart/form-data; boundary=";
    struct submission_request r;
    const char *boundary;
    char *body, *whole;

    (void)state;
    assert_int_equal(
        make(&r,
             "'form':'multipart','webhook_headers':['X-Done','X-Failed'],"
             "'options':{'delay':{'field':'wait','suffix':'ms'},"
             "'pause':{'field':'rest','scale':0.001,'suffix':'s'}},"
             "'url_field':'page.url'",
             "{\"delay\":1500,\"pause\":1500,\"hide\":[\"a\",null,\"b\"],"
             "\"a\\\"b\\r\\nc\":true,\"nothing\":null}"),
        0);
    assert_int_equal(r.header_count, 3);
    assert_memory_equal(r.headers[0], type, sizeof type - 1);
    boundary = r.headers[0] + sizeof type - 1;
    assert_int_equal(strlen(boundary), 32);
    assert_string_equal(r.headers[1], "X-Done: https://hook.example/?t=1");
    assert_string_equal(r.headers[2], "X-Failed: https://hook.example/?t=1");
    body = part(mem_strdup(""), boundary, "wait", "1500ms");
    body = part(body, boundary, "rest", "1.5s");
    body = part(body, boundary, "hide", "a");
    body = part(body, boundary, "hide", "b");
    body = part(body, boundary, "a%22b%0D%0Ac", "true");
    body = part(body, boundary, "page.url",
                "https://page.example/?a=1&b=\303\244");
    whole = mem_format("%s--%s--\r\n", body, boundary);
    assert_string_equal(r.body, whole);
    free(whole);
    free(body);
    submission_request_release(&r);
}

static void options_must_be_an_object(void **state)
{
    static const char *const wrong[] = { "[1]", "3", "", "{" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct submission_request r;

        assert_int_equal(make(&r, FLAT, wrong[i]), -1);
        submission_request_release(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_nests),
        cmocka_unit_test(forms_and_queries),
        cmocka_unit_test(options_are_renamed_and_changed),
        cmocka_unit_test(constants_may_name_the_job),
        cmocka_unit_test(each_attempt_has_one_idempotency_key),
        cmocka_unit_test(multipart_has_a_part_for_each_field),
        cmocka_unit_test(options_must_be_an_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
