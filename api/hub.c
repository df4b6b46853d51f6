#include "api/hub_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/counters.h"
#include "common/log.h"
#include "common/mem.h"

uint64_t hub_hash(const char *text)
{
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211ULL;
    return hash ? hash : 1;
}

static bool is_final(const char *status)
{
    return strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0 ||
           strcmp(status, "cancelled") == 0;
}

/* --- telling */

const char *hub_id(struct hub *h)
{
    if (!h->known)
        return "";
    position_format(&h->position, h->id);
    return h->id;
}

void hub_tell_one(struct hub *h, struct subscription *s, struct message *m,
                  bool last)
{
    s->fresh = false;
    s->follower->ops->tell(s->follower, &s->topic->name, m, last);
    metric_add(h->metrics, COUNTER_LIVE_TOLD, 1);
}

void hub_over(struct hub *h, struct subscription *s, enum topic_over why,
              const struct db_result *result)
{
    struct follower *f = s->follower;
    struct topic_name name = s->topic->name;

    topics_drop(h->topics, s);
    f->ops->over(f, &name, why, result);
}

void hub_tell_resync(struct hub *h, struct subscription *s)
{
    struct message m;

    message_init(&m, "resync", "{\"reason\":\"events were missed\"}",
                 hub_id(h));
    hub_tell_one(h, s, &m, false);
    message_release(&m);
}

static void tell_capture(struct hub *h, struct topic *topic, struct message *m,
                         const char *mark)
{
    bool last = is_final(m->event);
    uint64_t hash = hub_hash(m->data);
    bool changed = hash != topic->heard;
    struct subscription *next;

    topic->heard = hash;
    topic->mark = hub_hash(mark);
    for (struct subscription *s = topic->subscriptions; s; s = next) {
        next = s->next; /* the topic goes with the last one */
        if (s->fresh || changed)
            hub_tell_one(h, s, m, last);
        if (last)
            hub_over(h, s, TOPIC_ENDED, NULL);
    }
}

void hub_tell_row(struct hub *h, const struct db_result *result, size_t row,
                  bool is_news)
{
    const char *job = db_value(result, row, DOCUMENT_ID);
    const char *batch = db_value(result, row, DOCUMENT_BATCH);
    struct topic *topics[] = {
        topics_find(h->topics, TOPIC_CAPTURE, job),
        is_news && batch ? topics_find(h->topics, TOPIC_BATCH, batch) : NULL,
        is_news ? topics_find(h->topics, TOPIC_ALL, "") : NULL,
    };
    struct message m;

    message_init(&m, db_value(result, row, DOCUMENT_STATUS),
                 db_value(result, row, DOCUMENT), hub_id(h));
    if (topics[0]) {
        topics[0]->told = is_news;
        tell_capture(h, topics[0], &m, db_value(result, row, DOCUMENT_MARK));
    }
    for (size_t i = 1; i < ARRAY_LEN(topics); i++) {
        if (!topics[i])
            continue;
        for (struct subscription *s = topics[i]->subscriptions; s; s = s->next)
            if (!s->fresh) /* its state comes first */
                hub_tell_one(h, s, &m, false);
        if (topics[i]->name.kind == TOPIC_BATCH)
            hub_batch_changed(h, topics[i]);
    }
    message_release(&m);
}

void hub_tell(struct hub *h, const struct db_result *result, size_t row)
{
    hub_tell_row(h, result, row, true);
}

/* --- what no entry told */

static void ask_topic(struct topic *topic, void *arg)
{
    hub_ask(arg, topic);
}

void hub_resync(struct hub *h)
{
    struct topic *all = topics_find(h->topics, TOPIC_ALL, "");
    size_t place = 0;

    topics_walk(h->topics, TOPIC_CAPTURE, &place, TOPIC_BUCKETS, ask_topic, h);
    for (struct subscription *s = all ? all->subscriptions : NULL; s;
         s = s->next)
        hub_tell_resync(h, s);
    hub_batch_resync(h);
}

/* --- following */

bool hub_follow(struct hub *h, struct follower *f,
                const struct topic_name *name, const char *since)
{
    struct subscription *s = topics_follow(h->topics, f, name);

    if (!s)
        return false;
    s->fresh = true;
    switch (name->kind) {
    case TOPIC_CAPTURE:
        hub_ask(h, s->topic);
        break;
    case TOPIC_BATCH:
        s->paging = !since || !hub_replay(h, s, since);
        s->resync = since && s->paging;
        hub_batch_follow(h, s);
        break;
    case TOPIC_ALL:
        s->fresh = false;
        if (since && !hub_replay(h, s, since))
            hub_tell_resync(h, s);
        break;
    case TOPIC_KIND_COUNT:
        assert(false);
        break;
    }
    return true;
}

bool hub_leave(struct hub *h, struct follower *f, const struct topic_name *name)
{
    struct subscription *s = topics_subscription(h->topics, f, name);

    if (s)
        topics_drop(h->topics, s);
    return s != NULL;
}

void hub_leave_all(struct hub *h, struct follower *f)
{
    topics_drop_all(h->topics, f);
}

void hub_drained(struct hub *h, struct follower *f)
{
    for (struct subscription *s = f->subscriptions; s; s = s->next_of_follower)
        if (s->paging && !s->fresh)
            hub_batch_page(h, s);
}

bool hub_wants(const struct hub *h, const char *job)
{
    return topics_count(h->topics, TOPIC_ALL) +
                   topics_count(h->topics, TOPIC_BATCH) >
               0 ||
           topics_find(h->topics, TOPIC_CAPTURE, job);
}

struct position *hub_position(struct hub *h)
{
    return &h->position;
}

void hub_position_known(struct hub *h, bool known)
{
    h->known = known;
}

/* --- life cycle */

struct hub *hub_new(struct loop *loop, struct db *db, struct metrics *metrics,
                    const struct history *histories, size_t count)
{
    struct hub *h = mem_zalloc(sizeof *h);

    *h = (struct hub){ .loop = loop,
                       .db = db,
                       .metrics = metrics,
                       .topics = topics_new(),
                       .histories = histories,
                       .position = { .count = count } };
    hub_ask_init(h);
    hub_batch_init(h);
    return h;
}

void hub_free(struct hub *h)
{
    if (!h)
        return;
    hub_batch_release(h);
    hub_ask_release(h);
    topics_free(h->topics);
    free(h);
}
