/* Pictures in an S3-compatible storage: one PUT each, durable when it is
 * answered. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/s3_request.h"
#include "worker/store_backend.h"

enum { AT_ONCE = 32 };

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

static void judge(struct store_item *item, const struct s3 *place,
                  const struct http_answer *answer)
{
    char code[64];

    item->outcome = OUTCOME_RETRY;
    if (answer->failure == HTTP_OK && answer->status >= 200 &&
        answer->status <= 299) {
        item->outcome = OUTCOME_DONE;
        return;
    }
    if (answer->failure == HTTP_OK) {
        s3_error_code(answer, code, sizeof code);
        if (strcmp(code, "EntityTooLarge") == 0 || answer->status == 413)
            item->outcome = OUTCOME_REJECT;
    }
    s3_complaint(place, "store a picture", answer, item->error,
                 sizeof item->error);
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
    const struct s3_request request = {
        .method = "PUT",
        .key = item->key,
        .content_type = item->type ? image_mime(item->type) : "text/plain",
        .body = item->ptr,
        .body_len = item->len,
        .sha256 = item->sha256,
    };
    struct upload *u = mem_alloc(sizeof *u);

    *u = (struct upload){ .s3 = s3, .item = item };
    s3_request(&s3->place, s3->http, &request, on_answer, u);
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
