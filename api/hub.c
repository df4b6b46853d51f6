#include "api/hub_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/counters.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    /* All captures that are followed are checked once in about this time. */
    CHECK_MS = 15 * 1000,
    CHECK_TICK_MS = 250,
    CHECK_BUCKETS = TOPIC_BUCKETS / (CHECK_MS / CHECK_TICK_MS) + 1,
    RETRY_MS = 1000,
};

#define MARK "j.status || '/' || j.attempt || '/' || coalesce(j.progress, -1)"

const struct db_statement documents_statement = {
    "hub_documents",
    "select j.id::text, j.status, " MARK ", j.batch_id::text, d.document "
    "from jobs j join capture_documents d using (id) "
    "where j.id = any ($1::uuid[]) order by j.id",
};

/* The same without the documents, which cost ten times as much. */
static const struct db_statement marks_statement = {
    "hub_marks",
    "select j.id::text, " MARK " from jobs j where j.id = any ($1::uuid[])",
};

uint64_t hub_hash(const char *text)
{
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211ULL;
    return hash ? hash : 1;
}

size_t documents_find(const struct db_result *result, const char *job)
{
    size_t low = 0;
    size_t high = db_rows(result);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(db_value(result, middle, DOCUMENT_ID), job);

        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return db_rows(result);
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

static void tell_row(struct hub *h, const struct db_result *result, size_t row,
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
    if (topics[0])
        tell_capture(h, topics[0], &m, db_value(result, row, DOCUMENT_MARK));
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
    tell_row(h, result, row, true);
}

/* --- states of captures */

static void add_question(struct questions *q, const char *id)
{
    if (q->count == q->capacity) {
        q->capacity = q->capacity ? 2 * q->capacity : 64;
        q->ids = mem_resize_array(q->ids, q->capacity, sizeof *q->ids);
    }
    memcpy(q->ids[q->count++], id, TOPIC_ID_SIZE);
}

void hub_ask(struct hub *h, struct topic *topic)
{
    if (topic->asked)
        return;
    topic->asked = true;
    add_question(&h->waiting, topic->name.id);
    if (h->asked.count == 0 && !loop_timer_running(h->ask))
        loop_timer_start(h->ask, 0); /* with all that are asked for this turn */
}

static void tell_over(struct hub *h, struct topic *topic, enum topic_over why,
                      const struct db_result *result)
{
    struct subscription *next;

    for (struct subscription *s = topic->subscriptions; s; s = next) {
        next = s->next;
        /* the others know a state, and go on */
        if (s->fresh || why == TOPIC_UNKNOWN)
            hub_over(h, s, why, result);
    }
}

static void on_states(const struct db_result *result, void *arg)
{
    struct hub *h = arg;
    bool fine = db_result_status(result) == DB_OK;

    for (size_t i = 0; i < h->asked.count; i++) {
        const char *id = h->asked.ids[i];
        struct topic *topic = topics_find(h->topics, TOPIC_CAPTURE, id);
        size_t row = fine ? documents_find(result, id) : 0;

        if (!topic)
            continue;
        topic->asked = false;
        if (!fine)
            tell_over(h, topic, TOPIC_FAILED, result);
        else if (row == db_rows(result))
            tell_over(h, topic, TOPIC_UNKNOWN, NULL);
        else
            tell_row(h, result, row, false);
    }
    h->asked.count = 0;
    if (h->waiting.count > 0)
        loop_timer_start(h->ask, fine ? 0 : RETRY_MS);
}

static void on_ask(void *arg)
{
    struct hub *h = arg;
    struct questions *q = &h->waiting;
    const char *values[1];
    struct buf array;
    size_t rest;

    if (h->asked.count > 0 || q->count == 0)
        return;
    buf_init(&array, DOCUMENTS_ARRAY_BYTES);
    db_array_begin(&array);
    while (h->asked.count < q->count && h->asked.count < DOCUMENTS_MAX) {
        const char *id = q->ids[h->asked.count];

        db_array_add(&array, id);
        add_question(&h->asked, id);
    }
    db_array_end(&array);
    rest = q->count - h->asked.count;
    memmove(q->ids, q->ids + h->asked.count, rest * sizeof *q->ids);
    q->count = rest;
    values[0] = array.data;
    db_call(h->db, &documents_statement, values, 1, on_states, h);
    buf_release(&array);
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

static void on_marks(const struct db_result *result, void *arg)
{
    struct hub *h = arg;

    h->checking = false;
    if (db_result_status(result) != DB_OK)
        return;
    for (size_t i = 0; i < db_rows(result); i++) {
        struct topic *topic =
            topics_find(h->topics, TOPIC_CAPTURE, db_value(result, i, 0));

        if (topic && topic->mark != hub_hash(db_value(result, i, 1)))
            hub_ask(h, topic);
    }
}

struct check {
    struct buf array;
    size_t count;
};

static void check_topic(struct topic *topic, void *arg)
{
    struct check *c = arg;

    if (topic->asked || c->count == DOCUMENTS_MAX)
        return;
    db_array_add(&c->array, topic->name.id);
    c->count++;
}

/* A worker may die between its transaction and the live stream. */
static void on_check(void *arg)
{
    struct hub *h = arg;
    struct check c = { 0 };
    const char *values[1];

    loop_timer_start(h->check, CHECK_TICK_MS);
    if (h->checking || topics_count(h->topics, TOPIC_CAPTURE) == 0)
        return;
    buf_init(&c.array, DOCUMENTS_ARRAY_BYTES);
    db_array_begin(&c.array);
    topics_walk(h->topics, TOPIC_CAPTURE, &h->check_place, CHECK_BUCKETS,
                check_topic, &c);
    db_array_end(&c.array);
    if (c.count > 0) {
        values[0] = c.array.data;
        h->checking = true;
        db_call(h->db, &marks_statement, values, 1, on_marks, h);
    }
    buf_release(&c.array);
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
    h->ask = loop_timer_new(loop, on_ask, h);
    h->check = loop_timer_new(loop, on_check, h);
    loop_timer_start(h->check, CHECK_TICK_MS);
    hub_batch_init(h);
    return h;
}

void hub_free(struct hub *h)
{
    if (!h)
        return;
    hub_batch_release(h);
    loop_timer_free(h->ask);
    loop_timer_free(h->check);
    topics_free(h->topics);
    free(h->waiting.ids);
    free(h->asked.ids);
    free(h);
}
