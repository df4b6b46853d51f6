#include "poller/pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/token.h"
#include "poller/pictures_backend.h"

struct pictures {
    const char *root; /* NULL: in S3 */
    struct s3_pictures s3;
    char error[512]; /* of the settings */
};

void picture_batch_add(struct picture_batch *b, const char *key,
                       const char *job, int64_t bytes)
{
    if (b->count == b->room) {
        b->room = b->room ? 2 * b->room : 64;
        b->items = mem_resize_array(b->items, b->room, sizeof *b->items);
    }
    b->items[b->count++] = (struct picture){ .key = mem_strdup_or_null(key),
                                             .job = mem_strdup(job),
                                             .bytes = bytes };
}

void picture_batch_add_stored(struct picture_batch *b, const char *key,
                              int64_t bytes)
{
    const char *name = strrchr(key, '/');
    char job[UUID_LENGTH + 1];

    snprintf(job, sizeof job, "%.36s", name ? name + 1 : key);
    if (name && uuid_is_valid(job) && name[1 + UUID_LENGTH] == '-')
        picture_batch_add(b, key, job, bytes);
}

void picture_batch_clear(struct picture_batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        free(b->items[i].key);
        free(b->items[i].job);
    }
    free(b->items);
    *b = (struct picture_batch){ 0 };
}

struct pictures *pictures_new(struct http_client *http, const char *url,
                              const struct s3_settings *s3)
{
    static const char file[] = "file://";
    struct pictures *p = mem_zalloc(sizeof *p);

    p->s3.http = http;
    if (strncmp(url, file, sizeof file - 1) == 0)
        p->root = url + sizeof file - 1;
    else if (s3_init(&p->s3.place, url, s3, p->error, sizeof p->error) == 0)
        p->error[0] = '\0';
    return p;
}

void pictures_free(struct pictures *p)
{
    if (!p)
        return;
    s3_release(&p->s3.place);
    free(p);
}

const char *pictures_root(const struct pictures *p)
{
    return p->root;
}

void picture_call_end(struct picture_call *call)
{
    pictures_fn *fn = call->fn;
    void *arg = call->arg;

    free(call);
    fn(arg);
}

/* Only what a worker may have stored. */
static bool is_key(const char *key)
{
    return strncmp(key, "screenshots/", 12) == 0 && !strstr(key, "..") &&
           key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789/-.")] == '\0';
}

/* NULL when it is over already. */
static struct picture_call *begin(const struct pictures *p,
                                  struct picture_batch *b, int64_t min_age_s,
                                  pictures_fn *fn, void *arg)
{
    struct picture_call *call = mem_alloc(sizeof *call);

    *call = (struct picture_call){
        .batch = b, .min_age_s = min_age_s, .fn = fn, .arg = arg
    };
    snprintf(b->error, sizeof b->error, "%s", p->error);
    for (size_t i = 0; i < b->count && !*b->error; i++) {
        b->items[i].hit = false;
        if (b->items[i].key && !is_key(b->items[i].key))
            snprintf(b->error, sizeof b->error,
                     "\"%.100s\" is no key of a picture", b->items[i].key);
    }
    if (!*b->error)
        return call;
    picture_call_end(call);
    return NULL;
}

void pictures_remove(struct pictures *p, struct picture_batch *b,
                     int64_t min_age_s, pictures_fn *fn, void *arg)
{
    struct picture_call *call = begin(p, b, min_age_s, fn, arg);

    if (call && p->root)
        folder_remove(p->root, call);
    else if (call)
        s3_pictures_remove(&p->s3, call);
}

void pictures_look(struct pictures *p, struct picture_batch *b, pictures_fn *fn,
                   void *arg)
{
    struct picture_call *call = begin(p, b, 0, fn, arg);

    if (call && p->root)
        folder_look(p->root, call);
    else if (call)
        s3_pictures_look(&p->s3, call);
}

void pictures_walk(struct pictures *p, struct picture_batch *b,
                   int64_t min_age_s, pictures_fn *fn, void *arg)
{
    struct picture_call *call = begin(p, b, min_age_s, fn, arg);

    if (call && p->root)
        folder_walk(p->root, call);
    else if (call)
        s3_pictures_walk(&p->s3, call);
}
