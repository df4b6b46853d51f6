#include "api/topics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct topics {
    size_t subscriptions;
    size_t counts[TOPIC_KIND_COUNT];
    struct topic *buckets[TOPIC_BUCKETS];
};

static size_t bucket_of(enum topic_kind kind, const char *id)
{
    uint32_t hash = 2166136261U + (uint32_t)kind; /* FNV-1a */

    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619U;
    return hash % TOPIC_BUCKETS;
}

struct topics *topics_new(void)
{
    return mem_zalloc(sizeof(struct topics));
}

void topics_free(struct topics *t)
{
    assert(!t || t->subscriptions == 0);
    free(t);
}

struct topic *topics_find(const struct topics *t, enum topic_kind kind,
                          const char *id)
{
    struct topic *topic = t->buckets[bucket_of(kind, id)];

    while (topic &&
           (topic->name.kind != kind || strcmp(topic->name.id, id) != 0))
        topic = topic->next;
    return topic;
}

static struct topic *find_or_add(struct topics *t,
                                 const struct topic_name *name)
{
    struct topic *topic = topics_find(t, name->kind, name->id);
    struct topic **bucket = &t->buckets[bucket_of(name->kind, name->id)];

    if (topic)
        return topic;
    topic = mem_zalloc(sizeof *topic);
    topic->name = *name;
    topic->next = *bucket;
    *bucket = topic;
    t->counts[name->kind]++;
    return topic;
}

static void remove_topic(struct topics *t, struct topic *topic)
{
    struct topic **link =
        &t->buckets[bucket_of(topic->name.kind, topic->name.id)];

    while (*link != topic)
        link = &(*link)->next;
    *link = topic->next;
    t->counts[topic->name.kind]--;
    free(topic);
}

struct subscription *topics_subscription(const struct topics *t,
                                         const struct follower *f,
                                         const struct topic_name *name)
{
    const struct topic *topic = topics_find(t, name->kind, name->id);
    struct subscription *s = topic ? f->subscriptions : NULL;

    while (s && s->topic != topic)
        s = s->next_of_follower;
    return s;
}

struct subscription *topics_follow(struct topics *t, struct follower *f,
                                   const struct topic_name *name)
{
    struct subscription *s = topics_subscription(t, f, name);

    if (s)
        return s;
    if (f->count >= SUBSCRIPTIONS_MAX ||
        t->subscriptions >= SUBSCRIPTIONS_ALL_MAX)
        return NULL;
    s = mem_zalloc(sizeof *s);
    s->follower = f;
    s->topic = find_or_add(t, name);
    s->link = &s->topic->subscriptions;
    s->next = *s->link;
    if (s->next)
        s->next->link = &s->next;
    *s->link = s;
    s->link_of_follower = &f->subscriptions;
    s->next_of_follower = *s->link_of_follower;
    if (s->next_of_follower)
        s->next_of_follower->link_of_follower = &s->next_of_follower;
    *s->link_of_follower = s;
    f->count++;
    t->subscriptions++;
    return s;
}

void topics_drop(struct topics *t, struct subscription *s)
{
    struct topic *topic = s->topic;

    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    *s->link_of_follower = s->next_of_follower;
    if (s->next_of_follower)
        s->next_of_follower->link_of_follower = s->link_of_follower;
    if (s->held_by)
        *s->held_by = NULL;
    s->follower->count--;
    t->subscriptions--;
    free(s->page_after);
    free(s);
    if (!topic->subscriptions)
        remove_topic(t, topic);
}

void topics_drop_all(struct topics *t, struct follower *f)
{
    while (f->subscriptions)
        topics_drop(t, f->subscriptions);
}

size_t topics_count(const struct topics *t, enum topic_kind kind)
{
    return t->counts[kind];
}

void topics_walk(struct topics *t, enum topic_kind kind, size_t *place,
                 size_t max, topic_fn *fn, void *arg)
{
    for (; max > 0 && *place < TOPIC_BUCKETS; max--, (*place)++) {
        struct topic *topic = t->buckets[*place];

        while (topic) {
            struct topic *next = topic->next;

            if (topic->name.kind == kind)
                fn(topic, arg);
            topic = next;
        }
    }
    if (*place == TOPIC_BUCKETS)
        *place = 0;
}
