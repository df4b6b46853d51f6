#include "common/s3_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { TIMEOUT_MS = 60 * 1000, ERROR_MAX_BYTES = 64 * 1024 };

/* Of no bytes. */
static const char empty_sha256[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static char *make_url(const struct s3 *s, const struct s3_request *request)
{
    if (request->key)
        return s3_object_url(s, request->key);
    /* "/bucket" of "/bucket/prefix/" */
    return mem_format("%s://%s%.*s?%s", s->scheme, s->host,
                      (int)strcspn(s->path + 1, "/") + 1, s->path,
                      request->query);
}

void s3_request(const struct s3 *s, struct http_client *http,
                const struct s3_request *request, http_answer_fn *fn, void *arg)
{
    const struct s3_settings *settings = s->settings;
    char *url = make_url(s, request);
    char *lines[] = {
        mem_format("x-amz-content-sha256: %s",
                   request->body ? request->sha256 : empty_sha256),
        mem_format("x-amz-security-token: %s", settings->session_token),
        mem_format("Content-Type: %s",
                   request->body ? request->content_type : ""),
    };
    const char *headers[4] = { lines[0] };
    struct http_call_options options = {
        .method = request->method,
        .url = url,
        .headers = headers,
        .body = request->body,
        .body_len = request->body_len,
        .body_stays = true,
        .max_bytes = request->max_bytes ? request->max_bytes : ERROR_MAX_BYTES,
        .timeout_ms = TIMEOUT_MS,
        .aws_region = settings->region,
        .aws_key_id = settings->key_id,
        .aws_secret = settings->secret,
    };
    size_t n = 1;

    if (*settings->session_token)
        headers[n++] = lines[1];
    if (request->body)
        headers[n++] = lines[2];
    http_client_start(http, &options, fn, arg);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        free(lines[i]);
    free(url);
}

/* What stands between <name> and the next tag; "" when it is not there. */
static void xml_text(const char *xml, const char *name, char *out, size_t size)
{
    char open[32];
    const char *at;

    snprintf(open, sizeof open, "<%s>", name);
    at = strstr(xml, open);
    *out = '\0';
    if (at) {
        at += strlen(open);
        snprintf(out, size, "%.*s", (int)strcspn(at, "<"), at);
    }
}

void s3_error_code(const struct http_answer *answer, char *out, size_t size)
{
    xml_text(answer->body, "Code", out, size);
}

/* What an operator can do about it. */
static const char *remedy(unsigned status, const char *code)
{
    if (strcmp(code, "NoSuchBucket") == 0)
        return "; there is no such bucket";
    if (strcmp(code, "RequestTimeTooSkewed") == 0)
        return "; this machine's clock is wrong";
    if (strcmp(code, "AuthorizationHeaderMalformed") == 0 || status == 301)
        return "; check AWS_REGION";
    if (status == 401 || status == 403)
        return "; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and whether "
               "they may do that";
    return "";
}

void s3_complaint(const struct s3 *s, const char *what,
                  const struct http_answer *answer, char *out, size_t size)
{
    char code[64], message[128];

    if (answer->failure != HTTP_OK) {
        snprintf(out, size, "could not %s in s3:/%.100s at %.100s: %.120s",
                 what, s->path, s->host, answer->error);
        return;
    }
    s3_error_code(answer, code, sizeof code);
    xml_text(answer->body, "Message", message, sizeof message);
    snprintf(out, size,
             "could not %s in s3:/%.60s at %.60s: HTTP %u%s%s%s%.90s%s", what,
             s->path, s->host, answer->status, *code ? " " : "", code,
             *message ? ": " : "", message, remedy(answer->status, code));
}
