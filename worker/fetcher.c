#include "worker/fetcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/limits.h"
#include "common/mem.h"
#include "worker/picture.h"
#include "worker/worker_metrics.h"

enum {
    /* Each may hold LIMIT_PICTURE_BYTES; a usual picture holds a hundredth. */
    FETCHES_MAX = 64,
    FETCHES_PER_HOST_MAX = 32,
    PAUSE_CAP_MS = 5 * 60 * 1000, /* that a host may ask for */
};

/* Where pictures come from, as long as any of its pictures is in hand. */
struct host {
    struct host *next;
    char *name; /* for the breaker */
    size_t under_way, in_hand;
};

/* One picture: waiting, or under way. */
struct fetch {
    struct fetch *next; /* that waits */
    struct fetcher *fetcher;
    struct entry *entry;
    const struct provider *provider;
    char *url;
    struct host *host;
    bool own; /* the provider's own address */
};

struct fetcher {
    struct fetcher_options o;
    size_t under_way;
    struct fetch *first, *last; /* waiting */
    struct host *hosts;
};

/* One picture that is being stored. */
struct storing {
    struct fetcher *fetcher;
    struct entry *entry;
};

static void start_next(struct fetcher *f);

struct fetcher *fetcher_new(const struct fetcher_options *options)
{
    struct fetcher *f = mem_zalloc(sizeof *f);

    f->o = *options;
    return f;
}

/* Takes the name. */
static struct host *host_get(struct fetcher *f, char *name)
{
    struct host *h = f->hosts;

    while (h && strcmp(h->name, name) != 0)
        h = h->next;
    if (h) {
        free(name);
    } else {
        h = mem_zalloc(sizeof *h);
        *h = (struct host){ .next = f->hosts, .name = name };
        f->hosts = h;
    }
    h->in_hand++;
    return h;
}

static void host_put(struct fetcher *f, struct host *h)
{
    struct host **link = &f->hosts;

    if (--h->in_hand > 0)
        return;
    while (*link != h)
        link = &(*link)->next;
    *link = h->next;
    free(h->name);
    free(h);
}

static void fetch_free(struct fetch *t)
{
    host_put(t->fetcher, t->host);
    free(t->url);
    free(t);
}

void fetcher_free(struct fetcher *f)
{
    if (!f)
        return;
    while (f->first) {
        struct fetch *t = f->first;

        f->first = t->next;
        fetch_free(t);
    }
    free(f);
}

static void on_stored(enum outcome outcome, const char *error, void *arg)
{
    struct storing *t = arg;
    struct fetcher *f = t->fetcher;
    struct entry *e = t->entry;

    free(t);
    if (outcome == OUTCOME_DONE) {
        metric_add(f->o.metrics, PICTURES_STORED, 1);
        metric_add(f->o.metrics, PICTURE_BYTES, (int64_t)e->result.size_bytes);
        entry_finish(e, "completed", NULL, NULL);
    } else {
        metric_add(f->o.metrics, PICTURES_FAILED, 1);
        *e->result.image_key = '\0';
        entry_finish(e, "dead", "STORAGE", error);
        e->result.delay_ms = PICTURE_RETRY_MS;
        e->result.reason = DEAD_STORAGE;
    }
    f->o.fn(e, f->o.arg);
    start_next(f);
}

void fetcher_take(struct fetcher *f, struct entry *e, const char *type,
                  const char *ptr, size_t len)
{
    struct result *r = &e->result;
    struct storing *t;

    if (picture_check(e, type, ptr, len) != 0) {
        metric_add(f->o.metrics, PICTURES_FAILED, 1);
        f->o.fn(e, f->o.arg);
        return;
    }
    t = mem_alloc(sizeof *t);
    *t = (struct storing){ .fetcher = f, .entry = e };
    store_key(r->image_key, e->job.id, r->image.type, r->sha256);
    store_put(f->o.store, r->image_key, r->image.type, r->sha256, ptr, len,
              on_stored, t);
}

/* Is it the host that is in trouble, rather than this picture? */
static bool is_away(const struct http_answer *answer)
{
    unsigned status = answer->status;

    if (answer->failure == HTTP_OK)
        return status == 408 || status == 429 || status >= 500;
    return answer->failure == HTTP_UNRESOLVED ||
           answer->failure == HTTP_UNREACHABLE ||
           answer->failure == HTTP_TIMED_OUT;
}

static void fail(struct fetcher *f, struct entry *e,
                 const struct http_answer *answer)
{
    char error[512];

    metric_add(f->o.metrics, PICTURES_FAILED, 1);
    if (answer->failure == HTTP_OK)
        snprintf(error, sizeof error,
                 "could not fetch the picture: HTTP %u from %.300s",
                 answer->status, e->event.image_url);
    else
        snprintf(error, sizeof error, "could not fetch the picture: %.300s",
                 answer->error);
    if (answer->failure == HTTP_OK &&
        (answer->status == 404 || answer->status == 410))
        entry_finish_retry(e, "PICTURE_GONE", error); /* nothing else helps */
    else if (is_away(answer))
        entry_finish_waiting(e, error, PICTURE_RETRY_MS);
    else
        entry_finish_dead(e, DEAD_PICTURE, error, PICTURE_RETRY_MS);
    f->o.fn(e, f->o.arg);
}

/* Anything below 500 is an answer. */
static void heed(struct fetcher *f, const struct host *h,
                 const struct http_answer *answer)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t wish_ms = answer->retry_after_ms;

    breaker_report(f->o.breakers, h->name,
                   answer->failure == HTTP_OK && answer->status < 500, now_ms);
    if (answer->failure == HTTP_OK && answer->status >= 400 && wish_ms > 0)
        breaker_pause(f->o.breakers, h->name,
                      wish_ms < PAUSE_CAP_MS ? wish_ms : PAUSE_CAP_MS, now_ms);
}

static void on_answer(const struct http_answer *answer, void *arg)
{
    struct fetch *t = arg;
    struct fetcher *f = t->fetcher;
    struct entry *e = t->entry;
    bool fetched = answer->failure == HTTP_OK && answer->status == 200;

    metric_add(f->o.metrics,
               (t->own ? DOWNLOADS_PROVIDER : DOWNLOADS_OTHER) +
                   (fetched ? 0u : 1u),
               1);
    t->host->under_way--;
    heed(f, t->host, answer);
    fetch_free(t);
    f->under_way--;
    if (fetched)
        fetcher_take(f, e, answer->content_type, answer->body,
                     answer->body_len);
    else
        fail(f, e, answer);
    if (answer->failure != HTTP_CANCELLED)
        start_next(f);
}

/* The provider itself, unless its profile says no, and whom that names. */
static bool gets_key(const struct fetch *t)
{
    const struct profile *profile = t->provider->profile;

    if (t->own)
        return !profile->picture.not_at_home;
    for (size_t i = 0; i < profile->picture.origin_count; i++) {
        if (same_origin(t->url, profile->picture.origins[i]))
            return true;
    }
    return false;
}

static void start(struct fetcher *f, struct fetch *t)
{
    const char *headers[] = { gets_key(t) ? t->provider->auth_line : NULL,
                              NULL };
    struct http_call_options options = {
        .method = "GET",
        .url = t->url,
        .headers = headers,
        .max_bytes = LIMIT_PICTURE_BYTES,
        .timeout_ms = f->o.timeout_ms,
        .max_redirects = t->own ? 0 : LIMIT_REDIRECTS,
        .guarded = !t->own,
    };
    int64_t wait_ms =
        breaker_wait_ms(f->o.breakers, t->host->name, clock_monotonic_ms());
    struct entry *e = t->entry;

    if (wait_ms == 0) {
        f->under_way++;
        t->host->under_way++;
        http_client_start(f->o.http, &options, on_answer, t);
        return;
    }
    fetch_free(t);
    entry_finish_waiting(e, "the picture's host is left alone for a while",
                         wait_ms);
    f->o.fn(e, f->o.arg);
}

/* The first that waits and whose host has a place; NULL: none. */
static struct fetch *next_startable(struct fetcher *f)
{
    struct fetch *before = NULL;
    struct fetch *t = f->first;

    while (t && t->host->under_way >= FETCHES_PER_HOST_MAX) {
        before = t;
        t = t->next;
    }
    if (!t)
        return NULL;
    if (before)
        before->next = t->next;
    else
        f->first = t->next;
    if (f->last == t)
        f->last = before;
    return t;
}

static void start_next(struct fetcher *f)
{
    struct fetch *t;

    while (f->under_way < FETCHES_MAX && store_has_room(f->o.store) &&
           (t = next_startable(f)))
        start(f, t);
}

/* "https://host:port" of a URL; all of it when there is no path. */
static char *url_origin(const char *url)
{
    const char *host = strstr(url, "://");
    size_t scheme = host ? (size_t)(host - url) + 3 : 0;

    return mem_dup(url, scheme + strcspn(url + scheme, "/?#"));
}

void fetcher_fetch(struct fetcher *f, struct entry *e, const struct provider *p)
{
    struct fetch *t = mem_zalloc(sizeof *t);
    const char *image = e->event.image_url;
    bool relative = image[0] == '/';
    char *origin;

    *t = (struct fetch){ .fetcher = f, .entry = e, .provider = p };
    t->url =
        relative ? mem_format("%s%s", p->base_url, image) : mem_strdup(image);
    t->own = relative || (*p->base_url && same_origin(t->url, p->base_url));
    origin = t->own ? mem_strdup(p->base_url) : url_origin(t->url);
    /* apart from submissions: who is too busy for these has our pictures */
    t->host = host_get(f, mem_format("pictures of %s", origin));
    free(origin);
    if (f->last)
        f->last->next = t;
    else
        f->first = t;
    f->last = t;
    start_next(f);
}
