#include "common/shards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct shards {
    struct redis *items[SHARDS_MAX];
    size_t count;
    size_t turn;
};

int shard_urls_parse(struct shard_urls *out, const char *list, char *error,
                     size_t error_size)
{
    static const char blank[] = " \t\n";

    *out = (struct shard_urls){ 0 };
    while (*list) {
        size_t len = strcspn(list, ",");
        const char *start = list + strspn(list, blank);
        const char *end = list + len;

        while (end > start && strchr(blank, end[-1]))
            end--;
        if (end > start && out->count == SHARDS_MAX) {
            snprintf(error, error_size, "REDIS_URL names more than %d servers",
                     SHARDS_MAX);
            shard_urls_release(out);
            return -1;
        }
        if (end > start)
            out->items[out->count++] = mem_dup(start, (size_t)(end - start));
        list += len + (list[len] == ',');
    }
    if (out->count == 0)
        snprintf(error, error_size, "REDIS_URL is empty");
    return out->count > 0 ? 0 : -1;
}

void shard_urls_release(struct shard_urls *u)
{
    for (size_t i = 0; i < u->count; i++) {
        explicit_bzero(u->items[i], strlen(u->items[i])); /* passwords */
        free(u->items[i]);
    }
    *u = (struct shard_urls){ 0 };
}

struct shards *shards_new(struct loop *loop, const char *redis_urls,
                          int64_t deadline_ms, char *error, size_t error_size)
{
    struct shards *s = NULL;
    struct shard_urls urls;

    if (shard_urls_parse(&urls, redis_urls, error, error_size) != 0)
        return NULL;
    s = mem_zalloc(sizeof *s);
    while (s->count < urls.count) {
        struct redis *r = redis_new(loop, urls.items[s->count], deadline_ms,
                                    error, error_size);

        if (!r) {
            shards_free(s);
            s = NULL;
            break;
        }
        s->items[s->count++] = r;
    }
    shard_urls_release(&urls);
    return s;
}

void shards_free(struct shards *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        redis_free(s->items[i]);
    free(s);
}

size_t shards_count(const struct shards *s)
{
    return s->count;
}

struct redis *shards_at(struct shards *s, size_t index)
{
    return s->items[index];
}

size_t shards_up(const struct shards *s)
{
    size_t up = 0;

    for (size_t i = 0; i < s->count; i++)
        up += redis_is_up(s->items[i]);
    return up;
}

size_t shards_outstanding(const struct shards *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->count; i++)
        n += redis_outstanding(s->items[i]);
    return n;
}

const char *shards_error(const struct shards *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!redis_is_up(s->items[i]))
            return redis_error(s->items[i]);
    }
    return "";
}

struct redis *shards_pick(struct shards *s, shard_fits_fn *fits, void *arg)
{
    for (size_t n = 0; n < s->count; n++) {
        size_t i = s->turn++ % s->count;

        if (redis_is_up(s->items[i]) && (!fits || fits(i, arg)))
            return s->items[i];
    }
    return NULL;
}
