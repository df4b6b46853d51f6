/* Pictures in an S3-compatible storage: one request for each, some at a time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/encoding.h"
#include "common/mem.h"
#include "common/s3_request.h"
#include "poller/pictures_backend.h"
#include "poller/s3_listing.h"

enum {
    AT_ONCE = 16,
    TRIES = 3, /* of one request: such servers say 500 now and then */
    PAGE = 1000,
    PAGE_MAX_BYTES = 8 * 1024 * 1024,
};

/* A request for each picture of a batch. */
struct sweep {
    const struct s3_pictures *s3;
    struct picture_call *call;
    const char *method;
    const char *what; /* in words */
    size_t next;      /* to be asked for */
    size_t under_way;
    bool cancelled;
};

struct one {
    struct sweep *sweep;
    struct picture *item;
    unsigned tries;
};

static void go_on(struct sweep *s);
static void ask(struct one *o);

/* HEAD and DELETE of what is not there: 404; DELETE says 204 as a rule. */
static bool is_missing(const struct http_answer *answer)
{
    return answer->failure == HTTP_OK && answer->status == 404;
}

static void on_answer(const struct http_answer *answer, void *arg)
{
    struct one *o = arg;
    struct sweep *s = o->sweep;
    struct picture_batch *b = s->call->batch;
    bool fine = answer->failure == HTTP_OK && answer->status >= 200 &&
                answer->status <= 299;
    char code[64] = "";

    if (answer->status >= 500 && o->tries < TRIES && !*b->error) {
        ask(o);
        return;
    }
    if (is_missing(answer))
        s3_error_code(answer, code, sizeof code);
    s->under_way--;
    s->cancelled = s->cancelled || answer->failure == HTTP_CANCELLED;
    if (is_missing(answer) && strcmp(code, "NoSuchBucket") != 0)
        o->item->hit = true;
    else if (fine)
        o->item->hit = strcmp(s->method, "DELETE") == 0;
    else if (!*b->error)
        s3_complaint(&s->s3->place, s->what, answer, b->error, sizeof b->error);
    free(o);
    go_on(s);
}

static void ask(struct one *o)
{
    const struct sweep *s = o->sweep;
    struct s3_request request = { .method = s->method, .key = o->item->key };

    o->tries++;
    s3_request(&s->s3->place, s->s3->http, &request, on_answer, o);
}

static void go_on(struct sweep *s)
{
    struct picture_batch *b = s->call->batch;

    while (!s->cancelled && !*b->error && s->under_way < AT_ONCE &&
           s->next < b->count) {
        struct picture *item = &b->items[s->next++];
        struct one *o;

        if (!item->key)
            continue;
        o = mem_alloc(sizeof *o);
        *o = (struct one){ .sweep = s, .item = item };
        s->under_way++;
        ask(o);
    }
    if (s->under_way > 0)
        return;
    if (s->cancelled) /* the poller ends; whatever was done is done again */
        free(s->call);
    else
        picture_call_end(s->call);
    free(s);
}

static void sweep(const struct s3_pictures *s3, struct picture_call *call,
                  const char *method, const char *what)
{
    struct sweep *s = mem_alloc(sizeof *s);

    *s = (struct sweep){
        .s3 = s3, .call = call, .method = method, .what = what
    };
    go_on(s);
}

void s3_pictures_remove(const struct s3_pictures *s3, struct picture_call *call)
{
    sweep(s3, call, "DELETE", "remove a picture");
}

void s3_pictures_look(const struct s3_pictures *s3, struct picture_call *call)
{
    sweep(s3, call, "HEAD", "look for a picture");
}

/* --- a walk */

struct walk {
    const struct s3_pictures *s3;
    struct picture_call *call;
};

/* "prefix/" of "/bucket/prefix/"; "" without one. */
static const char *prefix_of(const struct s3_pictures *s3)
{
    return s3->place.path + 1 + strcspn(s3->place.path + 1, "/") + 1;
}

static void take_page(struct walk *w, const struct s3_listing *page)
{
    struct picture_batch *b = w->call->batch;
    int64_t now_ms = clock_wall_ms();
    size_t skip = strlen(prefix_of(w->s3));

    for (size_t i = 0; i < page->count; i++) {
        const struct s3_object *o = &page->objects[i];

        if (strlen(o->key) > skip &&
            now_ms - o->modified_ms >= w->call->min_age_s * 1000)
            picture_batch_add_stored(b, o->key + skip, o->bytes);
    }
    if (page->more && page->count > 0)
        snprintf(b->place, sizeof b->place, "%s",
                 page->objects[page->count - 1].key);
    else
        b->place[0] = '\0';
}

static void on_page(const struct http_answer *answer, void *arg)
{
    struct walk *w = arg;
    struct picture_batch *b = w->call->batch;
    struct s3_listing page = { 0 };

    if (answer->failure == HTTP_CANCELLED) {
        free(w->call);
        free(w);
        return;
    }
    if (answer->failure != HTTP_OK || answer->status != 200)
        s3_complaint(&w->s3->place, "list pictures", answer, b->error,
                     sizeof b->error);
    else if (s3_listing_parse(&page, answer->body, answer->body_len) != 0)
        snprintf(b->error, sizeof b->error,
                 "could not list pictures at %.200s: its answer is no listing",
                 w->s3->place.host);
    else
        take_page(w, &page);
    s3_listing_release(&page);
    picture_call_end(w->call);
    free(w);
}

void s3_pictures_walk(const struct s3_pictures *s3, struct picture_call *call)
{
    struct walk *w = mem_alloc(sizeof *w);
    char *below = mem_format("%sscreenshots/", prefix_of(s3));
    char *prefix = percent_encode(below);
    char *after =
        percent_encode(*call->batch->place ? call->batch->place : below);
    char *query = mem_format("list-type=2&max-keys=%d&prefix=%s&start-after=%s",
                             PAGE, prefix, after);
    struct s3_request request = { .method = "GET",
                                  .query = query,
                                  .max_bytes = PAGE_MAX_BYTES };

    *w = (struct walk){ .s3 = s3, .call = call };
    s3_request(&s3->place, s3->http, &request, on_page, w);
    free(below);
    free(prefix);
    free(after);
    free(query);
}
