/* Pictures in an S3-compatible storage: one PUT each, durable when it is
 * answered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/s3.h"
#include "worker/store_backend.h"

enum {
    AT_ONCE = 32,
    TIMEOUT_MS = 60 * 1000,
    ANSWER_MAX_BYTES = 64 * 1024,
};

struct s3_store {
    struct store_backend base; /* first: the two are cast into each other */
    struct store *store;
    struct http_client *http;
    struct s3 place;
};

struct upload {
    struct s3_store *s3;
    struct store_item *item;
};

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
               "they may put objects there";
    return "";
}

static void judge(struct store_item *item, const struct s3 *place,
                  const struct http_answer *answer)
{
    char code[64], message[128];

    item->outcome = OUTCOME_RETRY;
    if (answer->failure != HTTP_OK) {
        snprintf(item->error, sizeof item->error,
                 "could not store a picture in s3:/%.100s at %.100s: %.120s",
                 place->path, place->host, answer->error);
        return;
    }
    if (answer->status >= 200 && answer->status <= 299) {
        item->outcome = OUTCOME_DONE;
        return;
    }
    xml_text(answer->body, "Code", code, sizeof code);
    xml_text(answer->body, "Message", message, sizeof message);
    if (strcmp(code, "EntityTooLarge") == 0 || answer->status == 413)
        item->outcome = OUTCOME_REJECT;
    snprintf(item->error, sizeof item->error,
             "could not store a picture in s3:/%.60s at %.60s: HTTP %u %s: "
             "%.90s%s",
             place->path, place->host, answer->status, code, message,
             remedy(answer->status, code));
}

static void on_answer(const struct http_answer *answer, void *arg)
{
    struct upload *u = arg;
    struct s3_store *s3 = u->s3;
    struct store_item *item = u->item;

    free(u);
    if (answer->failure == HTTP_CANCELLED) { /* nobody waits for it any more */
        store_item_free(item);
        return;
    }
    judge(item, &s3->place, answer);
    store_settle(s3->store, item);
}

static void put(struct store_backend *b, struct store_item *item)
{
    struct s3_store *s3 = (struct s3_store *)b;
    const struct s3_settings *settings = s3->place.settings;
    const char *mime = item->type ? image_mime(item->type) : "text/plain";
    char *url = s3_object_url(&s3->place, item->key);
    char *lines[] = {
        mem_format("Content-Type: %s", mime),
        mem_format("x-amz-content-sha256: %s", item->sha256),
        mem_format("x-amz-security-token: %s", settings->session_token),
    };
    const char *headers[] = { lines[0], lines[1],
                              *settings->session_token ? lines[2] : NULL,
                              NULL };
    struct http_call_options options = {
        .method = "PUT",
        .url = url,
        .headers = headers,
        .body = item->ptr,
        .body_len = item->len,
        .body_stays = true,
        .max_bytes = ANSWER_MAX_BYTES,
        .timeout_ms = TIMEOUT_MS,
        .aws_region = settings->region,
        .aws_key_id = settings->key_id,
        .aws_secret = settings->secret,
    };
    struct upload *u = mem_alloc(sizeof *u);

    *u = (struct upload){ .s3 = s3, .item = item };
    http_client_start(s3->http, &options, on_answer, u);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        free(lines[i]);
    free(url);
}

static void s3_free(struct store_backend *b)
{
    struct s3_store *s3 = (struct s3_store *)b;

    s3_release(&s3->place);
    free(s3);
}

struct store_backend *store_s3_new(struct store *s, struct http_client *http,
                                   const char *url,
                                   const struct s3_settings *settings,
                                   char *error, size_t error_size)
{
    struct s3_store *s3 = mem_zalloc(sizeof *s3);

    *s3 = (struct s3_store){
        .base = { .put = put, .free = s3_free, .at_once = AT_ONCE },
        .store = s,
        .http = http
    };
    if (s3_init(&s3->place, url, settings, error, error_size) == 0)
        return &s3->base;
    s3_free(&s3->base);
    return NULL;
}
