/* Places in an S3 storage, and links into it. */
#include "common/s3.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static struct s3_settings settings(const char *endpoint)
{
    return (struct s3_settings){
        .endpoint = (char *)endpoint,
        .endpoint_s3 = "",
        .region = "us-east-1",
        .key_id = "AKIAIOSFODNN7EXAMPLE",
        .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        .session_token = "",
    };
}

static void addresses(void **state)
{
    static const struct {
        const char *url, *endpoint, *object; /* NULL: refused */
    } cases[] = {
        { "s3://shots", "",
          "https://s3.us-east-1.amazonaws.com/shots/a/b.png" },
        { "s3://shots/", "",
          "https://s3.us-east-1.amazonaws.com/shots/a/b.png" },
        { "s3://my.shots/x/y-1_2/", "https://minio.example:9000/",
          "https://minio.example:9000/my.shots/x/y-1_2/a/b.png" },
        { "s3://shots/x", "https://s3.example:443",
          "https://s3.example/shots/x/a/b.png" },
        { "s3://shots/x", "http://s3.example:80",
          "http://s3.example/shots/x/a/b.png" },
        { "s3://shots/x", "https://s3.example:80",
          "https://s3.example:80/shots/x/a/b.png" },
        { "s3://shots", "http://[::1]:9000",
          "http://[::1]:9000/shots/a/b.png" },
        { "s3://", "", NULL },
        { "s3:///x", "", NULL },
        { "s3://ab", "", NULL },
        { "s3://shots/a b", "", NULL },
        { "s3://shots/a%20b", "", NULL },
        { "s3://shots//x", "", NULL },
        { "s3://shots/../x", "", NULL },
        { "s3://shots?x", "", NULL },
        { "file:///x", "", NULL },
        { "s3://shots", "minio.example:9000", NULL },
        { "s3://shots", "ftp://minio.example", NULL },
        { "s3://shots", "https://", NULL },
        { "s3://shots", "https://host/path", NULL },
        { "s3://shots", "https://user@host", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct s3_settings s = settings(cases[i].endpoint);
        char error[256] = "";
        struct s3 place;
        int rc = s3_init(&place, cases[i].url, &s, error, sizeof error);
        char *object = NULL;

        print_message("  %s at \"%s\"\n", cases[i].url, cases[i].endpoint);
        assert_int_equal(rc, cases[i].object ? 0 : -1);
        if (rc == 0) {
            object = s3_object_url(&place, "a/b.png");
            assert_string_equal(object, cases[i].object);
        } else {
            assert_true(*error);
        }
        free(object);
        s3_release(&place);
    }
}

static void keys_are_needed_and_not_repeated(void **state)
{
    struct s3_settings s = settings("");
    char error[256];
    struct s3 place;

    (void)state;
    s.key_id = "";
    assert_int_equal(s3_init(&place, "s3://shots", &s, error, sizeof error),
                     -1);
    assert_non_null(strstr(error, "AWS_ACCESS_KEY_ID"));
    assert_null(strstr(error, s.secret));
    s3_release(&place);
}

/* The example of "Authenticating Requests: Using Query Parameters". */
static void the_published_example(void **state)
{
    struct s3_settings s = settings("");
    const struct s3 place = { .scheme = "https",
                              .host = "examplebucket.s3.amazonaws.com",
                              .path = "/",
                              .settings = &s };
    const struct s3_link link = { .key = "test.txt",
                                  .now_s = 1369353600,
                                  .seconds = 86400 };
    char *url = s3_link(&place, &link);

    (void)state;
    assert_string_equal(
        url,
        "https://examplebucket.s3.amazonaws.com/test.txt"
        "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1"
        "%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
        "&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    free(url);
}

/* Parameters are signed in the order of their names. */
static void what_it_is_served_as(void **state)
{
    struct s3_settings s = settings("");
    const struct s3 place = {
        .scheme = "http", .host = "h:9", .path = "/b/", .settings = &s
    };
    const struct s3_link link = { .key = "k",
                                  .content_type = "image/png",
                                  .disposition = "inline; filename=\"a.png\"",
                                  .seconds = 60 };
    char *url;

    (void)state;
    s.session_token = "a/b+c";
    url = s3_link(&place, &link);
    assert_non_null(
        strstr(url, "&X-Amz-Expires=60&X-Amz-Security-Token=a%2Fb%2Bc"
                    "&X-Amz-SignedHeaders=host&response-content-disposition="
                    "inline%3B%20filename%3D%22a.png%22"
                    "&response-content-type=image%2Fpng&X-Amz-Signature="));
    free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(keys_are_needed_and_not_repeated),
        cmocka_unit_test(the_published_example),
        cmocka_unit_test(what_it_is_served_as),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
