/* Profiles: what is shipped, what is read, and what each mistake is told. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/profile.h"
#include "tests/unit/unit.h"

/* every key that there is */
static const char full[] =
    "{'name':'full','about':'all keys',"
    "'submit':{'base_url':'https://api.example/v1','method':'PUT',"
    "'path':'/shots?fast=1','auth':{'header':'X-Key','value':'{key}'},"
    "'url_field':'page.url','webhook_field':'hook.url',"
    "'webhook_headers':['X-Done','X-Failed'],"
    "'form':'json','only_options':true,'options':{'fullPage':'page.full',"
    "'delay':{'field':'wait','scale':0.001,'join':',','suffix':'ms','values':{'"
    "x':1}}},"
    "'accepted':[201,202],'idempotency_header':'Idempotency-Key',"
    "'constants':{'async':true,'hook':{'events':['done']}}},"
    "'answer':{'job_id':['body:id','body:data.id']},"
    "'picture':{'auth':['https://cdn.example','http://10.0.0.1:81']},"
    "'webhook':{'auth':{'kind':'hmac','header':'X-Sig','layout':'composite',"
    "'digest_key':'v1','algorithm':'sha512','encoding':'base64',"
    "'timestamp':{'key':'t','unit':'iso8601'},"
    "'template':'{id}:{timestamp}:{body}','key_form':'whsec'},"
    "'id':['header:X-Id','query:id','body:meta.id'],'answer':'ok',"
    "'redact':['body:meta.secret','body:keys.0'],"
    "'require_token':true,'payload':{'event':'body:event','job_id':'body:id',"
    "'own_job_id':'header:X-Job','image_base64':'body:png',"
    "'image_in_body':true,"
    "'status':'body:status','success':'body:ok','image':['body:a','body:b.c'],"
    "'error':'body:error','error_code':'body:code','width':'body:w',"
    "'height':'body:h','size':'body:s','progress':'body:p',"
    "'words':{'Done':'completed','broken':'failed','busy':'progress',"
    "'paid':'ignored'}}},"
    "'status':{'path':'/shots/{id}','payload':{'status':'body:status',"
    "'words':{'done':'completed'}}},"
    "'limits':{'status_per_s':2.5,'status_at_once':3,"
    "'submit_per_s':0.5,'submit_at_once':4},"
    "'errors':{'retryable':['SLOW','busy'],'permanent':'NO'}}";

/* as little as there can be */
static const char least[] =
    "{'name':'least','webhook':{'auth':{'kind':'url-token'},"
    "'payload':{'image':'body:url'}}}";

/* JSON is easier on the eye in C with ' for ". */
static char *quoted(const char *text)
{
    char *copy = mem_strdup(text);

    for (char *c = copy; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    return copy;
}

static int parse(struct profile *out, const char *text, char error[512])
{
    char *json = quoted(text);
    int result =
        profile_parse(out, "dir/x.json", json, strlen(json), error, 512);

    free(json);
    return result;
}

static void every_key_is_read(void **state)
{
    struct profile p;
    char error[512] = "";
    const struct signature_scheme *s = &p.webhook.scheme;

    (void)state;
    if (parse(&p, full, error) != 0)
        fail_msg("%s", error);
    assert_string_equal(p.name, "full");
    assert_string_equal(p.file, "dir/x.json");
    assert_string_equal(p.submit.base_url, "https://api.example/v1");
    assert_string_equal(p.submit.method, "PUT");
    assert_string_equal(p.submit.path, "/shots?fast=1");
    assert_string_equal(p.submit.auth_header, "X-Key");
    assert_string_equal(p.submit.auth_value, "{key}");
    assert_string_equal(p.submit.url_field, "page.url");
    assert_string_equal(p.submit.webhook_field, "hook.url");
    assert_int_equal(p.submit.webhook_header_count, 2);
    assert_string_equal(p.submit.webhook_headers[0], "X-Done");
    assert_string_equal(p.submit.webhook_headers[1], "X-Failed");
    assert_false(profile_webhook_is_fixed(&p));
    assert_false(p.picture.not_at_home);
    assert_int_equal(p.picture.origin_count, 2);
    assert_string_equal(p.picture.origins[0], "https://cdn.example");
    assert_int_equal(json_boolean(p.submit.constants, "async"), 1);
    assert_int_equal(p.submit.form, SUBMIT_JSON);
    assert_true(p.submit.only_options);
    assert_int_equal(p.submit.option_count, 2);
    assert_string_equal(p.submit.options[0].name, "fullPage");
    assert_string_equal(p.submit.options[0].field, "page.full");
    assert_true(p.submit.options[0].scale == 1);
    assert_string_equal(p.submit.options[1].field, "wait");
    assert_true(p.submit.options[1].scale == 0.001);
    assert_string_equal(p.submit.options[1].join, ",");
    assert_string_equal(p.submit.options[1].suffix, "ms");
    assert_int_equal(json_number(p.submit.options[1].values, "x", 0), 1);
    assert_int_equal(p.submit.accepted[0], 201);
    assert_int_equal(p.submit.accepted[1], 202);
    assert_int_equal(p.submit.accepted[2], 0);
    assert_string_equal(p.submit.idempotency_header, "Idempotency-Key");

    assert_int_equal(p.answer.job_id.count, 2);
    assert_int_equal(p.answer.job_id.items[0].kind, PLACE_BODY);
    assert_string_equal(p.answer.job_id.items[0].path, "id");
    assert_int_equal(p.answer.job_id.items[1].kind, PLACE_BODY);
    assert_string_equal(p.answer.job_id.items[1].path, "data.id");

    assert_int_equal(p.webhook.auth, WEBHOOK_HMAC);
    assert_string_equal(p.webhook.signature_header, "X-Sig");
    assert_null(p.webhook.timestamp_header);
    assert_null(p.webhook.timestamp_path);
    assert_int_equal(p.webhook.id.count, 3);
    assert_int_equal(p.webhook.id.items[0].kind, PLACE_HEADER);
    assert_string_equal(p.webhook.id.items[0].path, "X-Id");
    assert_string_equal(p.webhook.id.items[0].text, "header:X-Id");
    assert_int_equal(p.webhook.id.items[1].kind, PLACE_QUERY);
    assert_string_equal(p.webhook.id.items[1].path, "id");
    assert_int_equal(p.webhook.id.items[2].kind, PLACE_BODY);
    assert_int_equal(p.webhook.answer, WEBHOOK_ANSWER_OK);
    assert_int_equal(p.webhook.redact.count, 2);
    assert_string_equal(p.webhook.redact.items[1].path, "keys.0");
    assert_true(p.webhook.decode_whsec);
    assert_true(p.webhook.require_token);
    assert_int_equal(s->layout, SIGNATURE_COMPOSITE);
    assert_int_equal(s->algorithm, SIGNATURE_SHA512);
    assert_int_equal(s->encoding, SIGNATURE_BASE64);
    assert_string_equal(s->key_name, "v1");
    assert_string_equal(s->timestamp_key, "t");
    assert_string_equal(s->template, "{id}:{timestamp}:{body}");
    assert_int_equal(s->unit, TIMESTAMP_ISO8601);

    assert_int_equal(p.webhook.payload.image.count, 2);
    assert_string_equal(p.webhook.payload.image.items[1].path, "b.c");
    assert_string_equal(p.webhook.payload.progress.items[0].path, "p");
    assert_string_equal(p.webhook.payload.own_job_id.items[0].path, "X-Job");
    assert_string_equal(p.webhook.payload.image_base64.items[0].path, "png");
    assert_true(p.webhook.payload.image_in_body);
    assert_int_equal(p.webhook.payload.outside.count, 1);
    assert_string_equal(p.webhook.payload.outside.items[0].text,
                        "header:X-Job");
    assert_int_equal(p.webhook.payload.word_count, 4);
    assert_string_equal(p.webhook.payload.words[0].word, "Done");
    assert_int_equal(p.webhook.payload.words[3].kind, EVENT_IGNORED);
    assert_string_equal(p.status.path, "/shots/{id}");
    assert_int_equal(p.status.payload.word_count, 1);
    assert_true(p.limits.status_per_s == 2.5);
    assert_int_equal(p.limits.status_at_once, 3);
    assert_true(p.limits.submit_per_s == 0.5);
    assert_int_equal(p.limits.submit_at_once, 4);
    assert_int_equal(p.errors.retryable_count, 2);
    assert_string_equal(p.errors.retryable[1], "busy");
    assert_int_equal(p.errors.permanent_count, 1);
    profile_release(&p);
}

static void little_is_needed(void **state)
{
    struct profile p;
    char error[512] = "";

    (void)state;
    if (parse(&p, least, error) != 0)
        fail_msg("%s", error);
    assert_null(p.submit.base_url);
    assert_null(p.status.path);
    assert_true(p.limits.status_per_s == 100);
    assert_int_equal(p.limits.status_at_once, 20);
    assert_true(p.limits.submit_per_s == 0);
    assert_int_equal(p.limits.submit_at_once, 0);
    assert_int_equal(p.webhook.auth, WEBHOOK_URL_TOKEN);
    assert_true(p.webhook.require_token);
    profile_release(&p);

    assert_int_equal(
        parse(&p,
              "{'name':'s','webhook':{'auth':{'kind':'static-header',"
              "'header':'X-Token'},'payload':{'image':'body:url'}}}",
              error),
        0);
    assert_int_equal(p.webhook.auth, WEBHOOK_STATIC_HEADER);
    assert_string_equal(p.webhook.static_header, "X-Token");
    assert_false(p.webhook.require_token);
    profile_release(&p);
}

struct mistake {
    const char *from, *to; /* `to` instead of `from` in `full` */
    const char *error;     /* behind "dir/x.json: " */
};

static void check_mistakes(const char *text, const struct mistake *mistakes,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct mistake *m = &mistakes[i];
        const char *at = strstr(text, m->from);
        char error[512] = "";
        struct profile p;
        char *changed = NULL;

        assert_non_null(at);
        changed = mem_format("%.*s%s%s", (int)(at - text), text, m->to,
                             at + strlen(m->from));
        print_message("  %s\n", m->error);
        assert_int_equal(parse(&p, changed, error), -1);
        assert_memory_equal(error, "dir/x.json: ", 12);
        assert_string_equal(error + 12, m->error);
        assert_null(p.document);
        free(changed);
    }
}

static void unknown_keys_are_named_with_the_known(void **state)
{
    static const struct mistake mistakes[] = {
        { "'about'", "'abuot'",
          "unknown key \"abuot\"; the keys here are name, about, submit, "
          "answer, picture, webhook, status, limits, errors" },
        { "'method'", "'secret'",
          "submit: unknown key \"secret\"; the keys here are base_url, method, "
          "path, auth, form, url_field, webhook_field, webhook_headers, "
          "options, only_options, constants, accepted, idempotency_header" },
        { "'value':'{key}'", "'valeu':'{key}'",
          "submit.auth: unknown key \"valeu\"; the keys here are header, "
          "value, field" },
        { "'scale'", "'times'",
          "submit.options.delay: unknown key \"times\"; the keys here are "
          "field, scale, join, suffix, values" },
        { "'answer':{'job_id'", "'answer':{'id'",
          "answer: unknown key \"id\"; the keys here are job_id" },
        { "'require_token'", "'token'",
          "webhook: unknown key \"token\"; the keys here are auth, id, "
          "require_token, payload, answer, redact, adopt" },
        { "'algorithm'", "'algoritm'",
          "webhook.auth: unknown key \"algoritm\"; the keys here are kind, "
          "header, layout, prefix, version, digest_key, algorithm, encoding, "
          "timestamp, template, key_form" },
        { "'unit'", "'units'",
          "webhook.auth.timestamp: unknown key \"units\"; the keys here are "
          "header, key, body, unit" },
        { "'error_code'", "'errorCode'",
          "webhook.payload: unknown key \"errorCode\"; the keys here are "
          "event, job_id, own_job_id, status, success, image, image_base64, "
          "image_in_body, error, error_code, width, height, size, progress, "
          "words, page_url" },
        { "'status':{'path'", "'status':{'url'",
          "status: unknown key \"url\"; the keys here are path, payload" },
        { "'status_per_s'", "'rate'",
          "limits: unknown key \"rate\"; the keys here are status_per_s, "
          "status_at_once, submit_per_s, submit_at_once" },
        { "'permanent'", "'fatal'",
          "errors: unknown key \"fatal\"; the keys here are retryable, "
          "permanent" },
    };

    (void)state;
    check_mistakes(full, mistakes, ARRAY_LEN(mistakes));
}

static void wrong_types_are_named(void **state)
{
    static const struct mistake mistakes[] = {
        { "'name':'full'", "'name':7", "name: must be a text" },
        { "'all keys'", "[]", "about: must be a text" },
        { "'base_url':'https://api.example/v1'", "'base_url':''",
          "submit.base_url: must be a text that is not empty" },
        { "{'async':true,'hook':{'events':['done']}}", "true",
          "submit.constants: must be an object" },
        { "'require_token':true", "'require_token':1",
          "webhook.require_token: must be true or false" },
        { "['body:a','body:b.c']", "['body:a',1]",
          "webhook.payload.image: must be a text or a list of texts" },
        { "['body:a','body:b.c']", "{}",
          "webhook.payload.image: must be a text or a list of texts" },
        { "'paid':'ignored'", "'paid':4",
          "webhook.payload.words.paid: must be a text" },
        { "'paid':'ignored'", "'paid':null",
          "webhook.payload.words.paid: is missing" },
        { "'status_per_s':2.5", "'status_per_s':'2.5'",
          "limits.status_per_s: must be a number from 0.01 to 10000" },
        { "'status_per_s':2.5", "'status_per_s':0.009",
          "limits.status_per_s: must be a number from 0.01 to 10000" },
        { "'status_per_s':2.5", "'status_per_s':10000.5",
          "limits.status_per_s: must be a number from 0.01 to 10000" },
        { "'status_at_once':3", "'status_at_once':0",
          "limits.status_at_once: must be a number from 1 to 1000" },
        { "'submit_at_once':4", "'submit_at_once':0",
          "limits.submit_at_once: must be a number from 1 to 1000" },
        { "'submit_at_once':4", "'submit_at_once':1001",
          "limits.submit_at_once: must be a number from 1 to 1000" },
        { "'submit_per_s':0.5", "'submit_per_s':0",
          "limits.submit_per_s: must be a number from 0.01 to 10000" },
        { "'status_at_once':3", "'status_at_once':1001",
          "limits.status_at_once: must be a number from 1 to 1000" },
        { "['SLOW','busy']", "['SLOW',null]",
          "errors.retryable: must be a text or a list of texts" },
    };

    (void)state;
    check_mistakes(full, mistakes, ARRAY_LEN(mistakes));
}

static void wrong_values_are_named_with_the_remedy(void **state)
{
    static const struct mistake mistakes[] = {
        { "'sha512'", "'md5'",
          "webhook.auth.algorithm: \"md5\" is not one of sha256, sha512, "
          "sha1" },
        { "'kind':'hmac'", "'kind':'rsa'",
          "webhook.auth.kind: \"rsa\" is not one of hmac, static-header, "
          "url-token" },
        { "'base64'", "'Base64'",
          "webhook.auth.encoding: \"Base64\" is not one of hex, base64" },
        { "'iso8601'", "'minutes'",
          "webhook.auth.timestamp.unit: \"minutes\" is not one of s, ms, "
          "iso8601" },
        { "'key_form':'whsec'", "'key_form':'hex'",
          "webhook.auth.key_form: \"hex\" is not one of raw, whsec" },
        { "'Done':'completed'", "'Done':'done'",
          "webhook.payload.words.Done: \"done\" is not one of completed, "
          "failed, progress, ignored" },
        { "'busy':'progress'", "'done':'progress'",
          "webhook.payload.words.done: stands here twice; case does not "
          "matter" },
        { "'X-Failed'", "'X Failed'",
          "submit.webhook_headers: \"X Failed\" is no header name" },
        { "'X-Failed'", "7",
          "submit.webhook_headers: must be a text or a list of texts" },
        { "'http://10.0.0.1:81'", "'http://10.0.0.1:81/x'",
          "picture.auth: must be same-origin, never, or a list of origins like "
          "https://host, which \"http://10.0.0.1:81/x\" is not" },
        { "'http://10.0.0.1:81'", "'same-origin'",
          "picture.auth: must be same-origin, never, or a list of origins like "
          "https://host, which \"same-origin\" is not" },
        { "'http://10.0.0.1:81'", "'https://user@host'",
          "picture.auth: must be same-origin, never, or a list of origins like "
          "https://host, which \"https://user@host\" is not" },
        { "['https://cdn.example','http://10.0.0.1:81']", "'always'",
          "picture.auth: must be same-origin, never, or a list of origins like "
          "https://host, which \"always\" is not" },
        { "'name':'full'", "'name':'Full'",
          "name: \"Full\" must be made of a-z, 0-9 and -" },
        { "'name':'full'", "'name':'../x'",
          "name: \"../x\" must be made of a-z, 0-9 and -" },
        { "'name':'full'", "'name':'my-file'",
          "name: \"my-file\" must not end in \"file\": settings like "
          "SHOTFLEET_PROVIDER_KEY_FILE have another meaning" },
        { "https://api.example/v1", "https://api.example/v1/",
          "submit.base_url: must not end with /" },
        { "https://api.example/v1", "ftp://api.example",
          "submit.base_url: must be like https://host/path" },
        { "https://api.example/v1", "https://user:pass@api.example",
          "submit.base_url: must be like https://host/path" },
        { "https://api.example/v1", "https://",
          "submit.base_url: must be like https://host/path" },
        { "'PUT'", "'HEAD'",
          "submit.method: \"HEAD\" is not one of POST, PUT, PATCH, GET" },
        { "'PUT'", "'GET'", "submit.method: GET is for the form \"query\"" },
        { "'form':'json'", "'form':'xml'",
          "submit.form: \"xml\" is not one of json, form, query, "
          "multipart" },
        { "'value':'{key}'", "'field':'key'",
          "submit.auth.field: goes without header and value" },
        { "'page.full'", "'page.'",
          "submit.options.fullPage: \"page.\" is no path like "
          "data.image.url" },
        { "[201,202]", "[199]",
          "submit.accepted: must be up to 8 numbers from 200 to 399" },
        { "[201,202]", "[400]",
          "submit.accepted: must be up to 8 numbers from 200 to 399" },
        { "[201,202]", "[200,201,202,203,204,205,206,207,208]",
          "submit.accepted: must be up to 8 numbers from 200 to 399" },
        { "[201,202]", "[]",
          "submit.accepted: must be a list of status codes" },
        { "'Idempotency-Key'", "'Idempotency Key'",
          "submit.idempotency_header: \"Idempotency Key\" is no header name" },
        { "/shots?fast=1", "shots",
          "submit.path: must start with / and have no blanks" },
        { "'X-Key'", "'X Key'",
          "submit.auth.header: \"X Key\" is no header "
          "name" },
        { "'value':'{key}'", "'value':'sk_live_1'",
          "submit.auth.value: must contain {key}, which stands for "
          "SHOTFLEET_PROVIDER_KEY; a key itself does not belong here" },
        { "'page.url'", "'page..url'",
          "submit.url_field: \"page..url\" is no path like data.image.url" },
        { "'body:data.id'", "'header:X-Job-Id'",
          "answer.job_id: \"header:X-Job-Id\": only a place in the body will "
          "do here" },
        { "'body:data.id'", "'data.id'",
          "answer.job_id: \"data.id\" is no place like \"body:data.url\"" },
        { "'body:keys.0'", "'query:key'",
          "webhook.redact: \"query:key\": only a place in the body will do "
          "here" },
        { "'body:keys.0'", "'body:b'",
          "webhook.redact: \"body:b\" cannot go: it is read" },
        { "'body:keys.0'", "'body:meta'",
          "webhook.redact: \"body:meta\" cannot go: it is read" },
        { "'body:event'", "'event'",
          "webhook.payload.event: \"event\" is no place like "
          "\"body:data.url\", \"header:X-Id\" or \"query:id\"" },
        { "'body:event'", "'header:X Event'",
          "webhook.payload.event: \"header:X Event\" is no place like "
          "\"body:data.url\", \"header:X-Id\" or \"query:id\"" },
        { "'body:event'", "'body:'",
          "webhook.payload.event: \"body:\" is no place like "
          "\"body:data.url\", \"header:X-Id\" or \"query:id\"" },
        { "'body:event'", "'query:'",
          "webhook.payload.event: \"query:\" is no place like "
          "\"body:data.url\", \"header:X-Id\" or \"query:id\"" },
        { "'answer':'ok'", "'answer':'OK'",
          "webhook.answer: \"OK\" is not one of receipt, ok" },
        { "{'status':'body:status','words':{'done'",
          "{'status':'header:X-Status','words':{'done'",
          "status.payload.status: \"header:X-Status\": only a place in the "
          "body will do here" },
        { "{'status':'body:status','words':{'done'",
          "{'image_in_body':true,'status':'body:status','words':{'done'",
          "status.payload.image_in_body: only a webhook's body can be it" },
        { "/shots/{id}", "/shots",
          "status.path: must contain {id}, which stands for the provider's job "
          "id" },
        { "{id}:{timestamp}:{body}", "{id}:{timestamp}",
          "webhook.auth.template: must contain {body}: the body would be "
          "unsigned" },
        { "{id}:{timestamp}:{body}", "{id}:{time}:{body}",
          "webhook.auth.template: \"{time}\" is not one of {id}, {timestamp}, "
          "{body}" },
    };

    (void)state;
    check_mistakes(full, mistakes, ARRAY_LEN(mistakes));
}

static void what_is_missing_is_named(void **state)
{
    static const struct mistake mistakes[] = {
        { "'name':'full',", "", "name: is missing" },
        { "'base_url':'https://api.example/v1',", "",
          "submit.base_url: is missing" },
        { "'path':'/shots?fast=1',", "", "submit.path: is missing" },
        { "'header':'X-Key',", "", "submit.auth.header: is missing" },
        { "'url_field':'page.url',", "", "submit.url_field: is missing" },
        { "'kind':'hmac',", "", "webhook.auth.kind: is missing" },
        { "'header':'X-Sig',", "", "webhook.auth.header: is missing" },
        { "'layout':'composite',", "", "webhook.auth.layout: is missing" },
        { "'digest_key':'v1',", "", "webhook.auth.digest_key: is missing" },
        { ",'unit':'iso8601'", "", "webhook.auth.timestamp.unit: is missing" },
        { "'key':'t',", "",
          "webhook.auth.timestamp: needs exactly one of \"key\", \"header\", "
          "\"body\"" },
        { "'key':'t',", "'key':'t','header':'X-T',",
          "webhook.auth.timestamp: needs exactly one of \"key\", \"header\", "
          "\"body\"" },
        { "'key':'t',", "'body':'sent','header':'X-T',",
          "webhook.auth.timestamp: needs exactly one of \"key\", \"header\", "
          "\"body\"" },
        { "'key':'t',", "'body':'sent..at',",
          "webhook.auth.timestamp.body: \"sent..at\" is no path like "
          "data.image.url" },
        { "'timestamp':{'key':'t','unit':'iso8601'},", "",
          "webhook.auth.timestamp: is missing; the template signs it" },
        { "'id':['header:X-Id','query:id','body:meta.id'],", "",
          "webhook.auth.template: signs {id}: \"id\" is missing in webhook, it "
          "says where that stands" },
        { "'template':'{id}:{timestamp}:{body}',", "",
          "webhook.auth.template: is missing" },
        { "'words':{'Done':'completed','broken':'failed','busy':'progress',"
          "'paid':'ignored'}",
          "'words':{}",
          "webhook.payload.words: must say what event and status mean" },
        { "'status':'body:status','words':{'done':'completed'}",
          "'error':'body:error'",
          "status.payload: needs one of event, status, success, image, "
          "image_base64, image_in_body: nothing else tells how a capture "
          "ended" },
        { "'answer':{'job_id':['body:id','body:data.id']},", "",
          "status: needs submit.base_url and answer.job_id" },
        { "'status':{'path':'/shots/{id}',", "'status':{",
          "status.path: is missing" },
    };
    static const struct mistake of_least[] = {
        { "'auth':{'kind':'url-token'},", "", "webhook.auth: is missing" },
        { "'kind':'url-token'", "'kind':'url-token','header':'X'",
          "webhook.auth: unknown key \"header\"; the keys here are kind" },
        { "'kind':'url-token'", "'kind':'static-header'",
          "webhook.auth.header: is missing" },
        { ",'payload':{'image':'body:url'}", "",
          "webhook.payload: is "
          "missing" },
        { "{'auth':{'kind':'url-token'},'payload':{'image':'body:url'}}",
          "null", "webhook: is missing" },
    };

    (void)state;
    check_mistakes(full, mistakes, ARRAY_LEN(mistakes));
    check_mistakes(least, of_least, ARRAY_LEN(of_least));
}

static void keys_belong_to_their_layout(void **state)
{
    static const struct mistake mistakes[] = {
        { "'digest_key':'v1',", "'digest_key':'v1','prefix':'sha256=',",
          "webhook.auth.prefix: is only for the layout \"prefix\"" },
        { "'digest_key':'v1',", "'digest_key':'v1','version':'v1',",
          "webhook.auth.version: is only for the layout \"list\"" },
        { "'layout':'composite','digest_key':'v1'", "'layout':'list'",
          "webhook.auth.version: is missing" },
        { "'layout':'composite','digest_key':'v1'", "'layout':'prefix'",
          "webhook.auth.prefix: is missing" },
        { "'layout':'composite'", "'layout':'plain'",
          "webhook.auth.digest_key: is only for the layout \"composite\"" },
        { "'layout':'composite','digest_key':'v1'", "'layout':'plain'",
          "webhook.auth.timestamp.key: is only for the layout "
          "\"composite\"" },
    };

    (void)state;
    check_mistakes(full, mistakes, ARRAY_LEN(mistakes));
}

/* every place that a timestamp can have */
static void a_timestamp_in_the_body(void **state)
{
    struct profile p;
    char error[512] = "";

    (void)state;
    if (parse(&p,
              "{'name':'s','webhook':{'auth':{'kind':'hmac','header':'X-Sig',"
              "'layout':'plain','timestamp':{'body':'meta.sent','unit':'ms'},"
              "'template':'{body}'},'payload':{'image':'body:url'}}}",
              error) != 0)
        fail_msg("%s", error);
    assert_null(p.webhook.timestamp_header);
    assert_null(p.webhook.scheme.timestamp_key);
    assert_string_equal(p.webhook.timestamp_path, "meta.sent");
    profile_release(&p);
}

static void paths_have_an_exact_limit(void **state)
{
    (void)state;
    for (int len = 254; len <= 256; len++) {
        char *text =
            mem_format("{'name':'x','webhook':{'auth':{'kind':"
                       "'url-token'},'payload':{'image':'body:%0*d'}}}",
                       len, 0);
        char error[512];
        struct profile p;

        assert_int_equal(parse(&p, text, error), len <= 255 ? 0 : -1);
        profile_release(&p);
        free(text);
    }
}

static void broken_json_is_named(void **state)
{
    struct profile p;
    char error[512];

    (void)state;
    assert_int_equal(parse(&p, "{'name':\n'x',}", error), -1);
    assert_string_equal(error,
                        "dir/x.json: string expected at byte 13, line 2");
    assert_int_equal(parse(&p, "[]", error), -1);
    assert_string_equal(error, "dir/x.json: must be an object");
}

/* folders */

struct folder {
    char path[64];
};

static struct folder make_folder(void)
{
    struct folder f = { "/tmp/test_profile_XXXXXX" };

    assert_non_null(mkdtemp(f.path));
    return f;
}

static void put_file(const struct folder *f, const char *name, const char *text)
{
    char *path = mem_format("%s/%s", f->path, name);
    char *json = quoted(text);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(json, file);
    assert_int_equal(fclose(file), 0);
    free(path);
    free(json);
}

static void remove_file(const struct folder *f, const char *name)
{
    char *path = mem_format("%s/%s", f->path, name);

    unlink(path);
    free(path);
}

static void remove_folder(const struct folder *f, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        remove_file(f, names[i]);
    assert_int_equal(rmdir(f->path), 0);
}

static void a_folder_is_loaded_by_name(void **state)
{
    static const char *const names[] = { "least.json",   "full.json", "README",
                                         ".hidden.json", "old.json~", NULL };
    struct folder f = make_folder();
    struct profiles p;
    char error[512] = "";

    (void)state;
    put_file(&f, "least.json", least);
    put_file(&f, "full.json", full);
    put_file(&f, "README", "no JSON");
    put_file(&f, ".hidden.json", "no JSON");
    put_file(&f, "old.json~", "no JSON");
    if (profiles_load(&p, f.path, error, sizeof error) != 0)
        fail_msg("%s", error);
    assert_int_equal(p.count, 2);
    assert_ptr_equal(profiles_find(&p, "full"), &p.items[0]);
    assert_ptr_equal(profiles_find(&p, "least"), &p.items[1]);
    assert_null(profiles_find(&p, "other"));
    profiles_release(&p);
    assert_int_equal(p.count, 0);
    remove_folder(&f, names);
}

static void one_bad_file_fails_the_folder(void **state)
{
    static const char *const names[] = { "full.json", "other.json",
                                         "least-2.json", NULL };
    struct folder f = make_folder();
    struct profiles p;
    char error[512] = "";
    char *expected = NULL;

    (void)state;
    put_file(&f, "full.json", full);
    put_file(&f, "other.json", least);
    assert_int_equal(profiles_load(&p, f.path, error, sizeof error), -1);
    expected = mem_format("%s/other.json: name: \"least\" must be the file's "
                          "name, without .json",
                          f.path);
    assert_string_equal(error, expected);
    assert_int_equal(p.count, 0);
    free(expected);

    remove_file(&f, "other.json");
    put_file(&f, "least-2.json", least);
    assert_int_equal(profiles_load(&p, f.path, error, sizeof error), -1);
    expected = mem_format("%s/least-2.json: name: \"least\" must be the "
                          "file's name, without .json",
                          f.path);
    assert_string_equal(error, expected);
    free(expected);

    remove_file(&f, "least-2.json");
    put_file(&f, "other.json", "{");
    assert_int_equal(profiles_load(&p, f.path, error, sizeof error), -1);
    expected = mem_format("could not parse \"%s/other.json\": string expected "
                          "at byte 1, line 1",
                          f.path);
    assert_string_equal(error, expected);
    free(expected);
    remove_folder(&f, names);
}

static void an_empty_or_missing_folder_is_an_error(void **state)
{
    static const char *const names[] = { NULL };
    struct folder f = make_folder();
    struct profiles p;
    char error[512] = "";
    char *expected = NULL;

    (void)state;
    assert_int_equal(profiles_load(&p, f.path, error, sizeof error), -1);
    expected = mem_format("could not load provider profiles from \"%s\": no "
                          "*.json there",
                          f.path);
    assert_string_equal(error, expected);
    free(expected);
    remove_folder(&f, names);
    assert_int_equal(profiles_load(&p, f.path, error, sizeof error), -1);
    expected = mem_format("could not load provider profiles from \"%s\": No "
                          "such file or directory",
                          f.path);
    assert_string_equal(error, expected);
    free(expected);
}

/* how a webhook finds its job, and who gets the key */

#define FIXED                                                                  \
    "{'name':'x','submit':{'base_url':'https://a.example','path':'/p',"        \
    "'url_field':'url'},%s'webhook':{'auth':{'kind':'url-token'},"             \
    "'payload':{'image':'body:url','job_id':'body:id'}}}"

static void a_fixed_webhook_needs_the_providers_job_id(void **state)
{
    struct profile p;
    char error[512] = "";
    char *text = mem_format(FIXED, "");

    (void)state;
    assert_int_equal(parse(&p, text, error), -1);
    assert_string_equal(
        error, "dir/x.json: submit: needs webhook_field or webhook_headers; or "
               "answer.job_id, for webhooks that are set up at the provider");
    free(text);
    text = mem_format(FIXED, "'answer':{'job_id':'body:id'},");
    assert_int_equal(parse(&p, text, error), 0);
    assert_true(profile_webhook_is_fixed(&p));
    assert_false(p.picture.not_at_home);
    profile_release(&p);
    free(text);
}

static void a_profile_may_keep_the_key_from_pictures(void **state)
{
    struct profile p;
    char error[512] = "";
    char *text = mem_format(
        FIXED, "'answer':{'job_id':'body:id'},'picture':{'auth':'never'},");

    (void)state;
    assert_int_equal(parse(&p, text, error), 0);
    assert_true(p.picture.not_at_home);
    assert_int_equal(p.picture.origin_count, 0);
    profile_release(&p);
    free(text);
}

/* what is shipped */

static void shipped_profiles_load(void **state)
{
    struct profiles p;
    char error[512] = "";
    const struct profile *own = NULL;

    (void)state;
    if (profiles_load(&p, SOURCE_DIR "/providers", error, sizeof error) != 0)
        fail_msg("%s", error);
    own = profiles_find(&p, "screenshotly");
    assert_non_null(own);
    assert_string_equal(own->submit.base_url, "http://127.0.0.1:8082");
    assert_string_equal(own->webhook.signature_header,
                        "X-Screenshotly-Signature");
    assert_string_equal(own->webhook.timestamp_header,
                        "X-Screenshotly-Timestamp");
    assert_non_null(profiles_find(&p, "urlbox"));
    assert_non_null(profiles_find(&p, "screenshotone"));
    assert_non_null(profiles_find(&p, "rendershot"));
    assert_non_null(profiles_find(&p, "standard-webhooks"));
    assert_non_null(profiles_find(&p, "scrapfly"));
    assert_non_null(profiles_find(&p, "gotenberg"));
    assert_non_null(profiles_find(&p, "generic-token"));
    profiles_release(&p);
}

/* Each shipped dialect against the test vectors of the contract. */
static void shipped_profiles_judge_the_vectors(void **state)
{
    static const char body[] =
        "{\"success\":true,\"imageUrl\":\"http://127.0.0.1:9/x.png\",\"error\":"
        "null,\"metadata\":{\"width\":1,\"height\":1,\"size\":67}}";
    static const struct {
        const char *profile, *signature, *timestamp, *id;
    } cases[] = {
        { "screenshotly",
          "4f8580beed232be6a3d8337f806f9021675554a52a9b094f4a964ecc4ce84640",
          "1700000000000", NULL },
        { "urlbox",
          "t=1700000000,sha256="
          "63d9f1036e3207d9e5990b672d77658352e9a224445c797b3a84f1563b11c9b8",
          NULL, NULL },
        { "screenshotone",
          "ed2f937dcbb2e01f15b4e9924e956200a7858ddfc369f63ac6485bc0234673b7",
          NULL, NULL },
        { "scrapfly",
          "ED2F937DCBB2E01F15B4E9924E956200A7858DDFC369F63AC6485BC0234673B7",
          NULL, NULL },
        { "rendershot",
          "sha256="
          "63d9f1036e3207d9e5990b672d77658352e9a224445c797b3a84f1563b11c9b8",
          "1700000000", "delivery" },
        { "standard-webhooks",
          "v1,rWgpPKXxjNihvG0d5YjcfQY+nlxVPcFsMEZ7UoKYpRA=", "1700000000",
          "msg_1" },
    };
    struct profiles p;
    struct secrets keys;
    char error[512] = "";

    (void)state;
    assert_int_equal(
        profiles_load(&p, SOURCE_DIR "/providers", error, sizeof error), 0);
    /* the raw text is the key, also for the profile that would decode it */
    assert_int_equal(
        secrets_parse(&keys, "whsec_test", false, error, sizeof error), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct profile *profile = profiles_find(&p, cases[i].profile);
        struct signature_input input = { cases[i].signature, cases[i].timestamp,
                                         cases[i].id, body, sizeof body - 1 };

        assert_non_null(profile);
        print_message("  %s\n", profile->name);
        assert_int_equal(signature_verify(&profile->webhook.scheme, &keys,
                                          &input, INT64_C(1700000000000),
                                          300000, 60000, NULL),
                         SIGNATURE_FINE);
    }
    secrets_release(&keys);
    profiles_release(&p);
}

static void retryable_by_code_then_class(void **state)
{
    static const struct {
        const char *code;
        unsigned http_status;
        bool retryable;
    } cases[] = {
        { "SLOW", 0, true },    { "slow", 400, true },   { "Busy", 0, true },
        { "NO", 0, false },     { "no", 503, false },    { "OTHER", 0, false },
        { "OTHER", 500, true }, { "OTHER", 404, false }, { NULL, 0, true },
        { NULL, 400, false },   { NULL, 401, false },    { NULL, 407, false },
        { NULL, 408, true },    { NULL, 409, false },    { NULL, 428, false },
        { NULL, 429, true },    { NULL, 430, false },    { NULL, 499, false },
        { NULL, 500, true },    { NULL, 503, true },     { NULL, 599, true },
        { NULL, 302, false },
    };
    struct profile p;
    char error[512];

    (void)state;
    assert_int_equal(parse(&p, full, error), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s %u\n", cases[i].code ? cases[i].code : "-",
                      cases[i].http_status);
        assert_int_equal(
            profile_retryable(&p, cases[i].code, cases[i].http_status),
            cases[i].retryable);
    }
    profile_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(little_is_needed),
        cmocka_unit_test(unknown_keys_are_named_with_the_known),
        cmocka_unit_test(wrong_types_are_named),
        cmocka_unit_test(wrong_values_are_named_with_the_remedy),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(keys_belong_to_their_layout),
        cmocka_unit_test(a_timestamp_in_the_body),
        cmocka_unit_test(paths_have_an_exact_limit),
        cmocka_unit_test(broken_json_is_named),
        cmocka_unit_test(a_folder_is_loaded_by_name),
        cmocka_unit_test(one_bad_file_fails_the_folder),
        cmocka_unit_test(an_empty_or_missing_folder_is_an_error),
        cmocka_unit_test(a_fixed_webhook_needs_the_providers_job_id),
        cmocka_unit_test(a_profile_may_keep_the_key_from_pictures),
        cmocka_unit_test(shipped_profiles_load),
        cmocka_unit_test(shipped_profiles_judge_the_vectors),
        cmocka_unit_test(retryable_by_code_then_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
