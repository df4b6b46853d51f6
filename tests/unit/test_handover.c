/* What goes onto the stream, and what must never. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/mem.h"
#include "ingest/handover.h"
#include "tests/unit/unit.h"

struct sent {
    const char *header, *parameter; /* values, or NULL */
    unsigned times;                 /* that each is there; 0: once */
};

static const char *answer(const char *value, unsigned times, unsigned *count)
{
    *count = !value ? 0 : times ? times : 1;
    return value;
}

static const char *header_of(const void *arg, const char *name, unsigned *count)
{
    const struct sent *s = arg;

    if (strcasecmp(name, "X-Event") != 0)
        return answer(NULL, 0, count);
    return answer(s->header, s->times, count);
}

static const char *parameter_of(const void *arg, const char *name,
                                unsigned *count)
{
    const struct sent *s = arg;

    if (strcmp(name, "id") != 0)
        return answer(NULL, 0, count);
    return answer(s->parameter, s->times, count);
}

static struct webhook_request request_of(const struct sent *sent,
                                         const char *body)
{
    return (struct webhook_request){ .header = header_of,
                                     .query = parameter_of,
                                     .arg = sent,
                                     .body = body,
                                     .body_len = strlen(body) };
}

static struct profile profile_of(const char *webhook)
{
    char *text = mem_format("{'name':'x','webhook':{'auth':{'kind':'url-token'}"
                            ",%s}}",
                            webhook);
    struct profile p;
    char error[512];

    for (char *c = text; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    if (profile_parse(&p, "x.json", text, strlen(text), error, sizeof error) !=
        0)
        fail_msg("%s", error);
    free(text);
    return p;
}

/* What is handed over of `body`; owned. */
static char *handed_over(const char *webhook, const char *body, bool parsed)
{
    struct profile p = profile_of(webhook);
    struct sent sent = { NULL, NULL, 0 };
    struct webhook_request r = request_of(&sent, body);
    struct webhook w = { 0 };
    struct handover h;
    char error[128];
    char *out = NULL;

    if (parsed)
        w.document = json_parse(body, strlen(body), error, sizeof error);
    handover_init(&h, &p, &w, &r);
    assert_null(h.head);
    out = mem_dup(h.body, h.body_len);
    if (p.webhook.redact.count == 0)
        assert_ptr_equal(h.body, body);
    handover_release(&h);
    webhook_release(&w);
    profile_release(&p);
    return out;
}

static void check(const char *webhook, const char *body, const char *expected)
{
    char *out = handed_over(webhook, body, true);

    assert_string_equal(out, expected);
    free(out);
}

static void bodies_stay_as_they_are(void **state)
{
    (void)state;
    check("'payload':{'image':'body:url'}", " {\"a\" : 1.50}\n",
          " {\"a\" : 1.50}\n");
}

static void what_is_redacted_is_gone(void **state)
{
    static const char one[] =
        "'redact':'body:context.webhook.secret','payload':{'image':'body:url'}";
    static const char several[] =
        "'redact':['body:a','body:list.1.key','body:list.9','body:b.c'],"
        "'payload':{'image':'body:url'}";

    (void)state;
    check(one,
          "{ \"url\":\"https://x/1.png\",\"context\":{\"webhook\":{\"name\":"
          "\"w\",\"secret\":\"s3cr3t\"},\"n\":1.50}}",
          "{\"url\":\"https://x/1.png\",\"context\":{\"webhook\":{\"name\":"
          "\"w\",\"secret\":\"[redacted]\"},\"n\":1.50}}");
    check(one, "{\"context\":{}}", "{\"context\":{}}");
    check(one, "{\"context\":[]}", "{\"context\":[]}");
    check(one, "{}", "{}");
    /* whatever stands there, and of a name that is there twice, both */
    check(one, "{\"context\":{\"webhook\":{\"secret\":[{\"x\":\"s3cr3t\"}]}}}",
          "{\"context\":{\"webhook\":{\"secret\":\"[redacted]\"}}}");
    check(one,
          "{\"context\":{\"webhook\":{\"secret\":\"s3cr3t\","
          "\"s\\u0065cret\":\"s3cr3t\"}}}",
          "{\"context\":{\"webhook\":{\"secret\":\"[redacted]\"}}}");
    check(several, "{\"a\":7,\"list\":[1,{\"key\":2,\"d\":3}],\"b\":null}",
          "{\"a\":\"[redacted]\",\"list\":[1,{\"key\":\"[redacted]\",\"d\":3}],"
          "\"b\":null}");
}

static void what_cannot_be_redacted_is_withheld(void **state)
{
    static const char redacting[] =
        "'redact':'body:secret','payload':{'image':'body:url'}";
    char *out = handed_over(redacting, "{\"secret\":\"s3cr3t\"", false);
    char *other = handed_over(redacting, "{\"secret\":\"s3cr3T\"", false);

    (void)state;
    assert_null(strstr(out, "s3cr3t"));
    assert_non_null(strstr(out, "withheld"));
    assert_non_null(strstr(out, "18 bytes"));
    assert_string_not_equal(out, other);
    free(out);
    free(other);

    out = handed_over("'redact':'body:secret','payload':{'image_in_body':true}",
                      "a picture", false);
    assert_string_equal(out, "a picture");
    free(out);
}

static char *head_of(const char *webhook, const struct sent *sent)
{
    struct profile p = profile_of(webhook);
    struct webhook_request r = request_of(sent, "{}");
    struct webhook w = { 0 };
    struct handover h;
    char *head = NULL;

    handover_init(&h, &p, &w, &r);
    head = mem_strdup_or_null(h.head);
    handover_release(&h);
    profile_release(&p);
    return head;
}

static void headers_and_parameters_go_along(void **state)
{
    static const char webhook[] =
        "'payload':{'image':'body:url','event':['header:X-Event','body:event'],"
        "'job_id':'query:id','words':{'a':'completed'}}";
    char *head = head_of(webhook, &(struct sent){ "do\"ne", "7", 0 });

    (void)state;
    assert_string_equal(head, "{\"header:X-Event\":\"do\\\"ne\","
                              "\"query:id\":\"7\"}");
    free(head);
    head = head_of(webhook, &(struct sent){ "\xff", NULL, 0 });
    assert_string_equal(head, "{\"header:X-Event\":\"\xef\xbf\xbd\"}");
    free(head);
    assert_null(head_of(webhook, &(struct sent){ NULL, NULL, 0 }));
    assert_null(head_of(webhook, &(struct sent){ "a", "b", 2 }));
    assert_null(head_of("'payload':{'image':'body:url'}",
                        &(struct sent){ "a", "b", 0 }));
}

/* What ingest writes, a worker reads. */
static void a_head_is_read_back(void **state)
{
    static const char webhook[] =
        "'payload':{'event':'header:X-Event','job_id':'query:id',"
        "'words':{'all \\\"fine\\\"':'completed'}}";
    struct profile p = profile_of(webhook);
    char *head = head_of(webhook, &(struct sent){ "All \"fine\"", "7", 0 });
    struct event_source source = { "{}", 2, NULL, head };
    struct event e;
    char error[128];

    (void)state;
    assert_int_equal(
        event_parse(&e, &p.webhook.payload, &source, error, sizeof error), 0);
    assert_int_equal(e.kind, EVENT_COMPLETED);
    assert_string_equal(e.provider_job, "7");
    event_release(&e);
    free(head);
    profile_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_stay_as_they_are),
        cmocka_unit_test(what_is_redacted_is_gone),
        cmocka_unit_test(what_cannot_be_redacted_is_withheld),
        cmocka_unit_test(headers_and_parameters_go_along),
        cmocka_unit_test(a_head_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
