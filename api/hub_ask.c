/* hub_ask.c - the states of captures as the database has them: for new
 * followers, and to see that nothing was lost.
 *
 * What is asked for in one turn of the loop is one query; the next one is sent
 * when that is answered.
 */
#include <stdlib.h>
#include <string.h>

#include "api/hub_internal.h"
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
            hub_tell_row(h, result, row, false);
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
    bool told = topic->told;

    topic->told = false; /* news was read just now */
    if (told || topic->asked || c->count == DOCUMENTS_MAX)
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

/* --- life cycle */

void hub_ask_init(struct hub *h)
{
    h->ask = loop_timer_new(h->loop, on_ask, h);
    h->check = loop_timer_new(h->loop, on_check, h);
    loop_timer_start(h->check, CHECK_TICK_MS);
}

void hub_ask_release(struct hub *h)
{
    loop_timer_free(h->ask);
    loop_timer_free(h->check);
    free(h->waiting.ids);
    free(h->asked.ids);
}
