/* hub_batch.c - how far batches are, and the captures in them.
 *
 * A follower first hears the batch in numbers, then its captures page by page,
 * as fast as it reads; from then on each change.  The numbers are asked for
 * again when captures of the batch have changed, a few times a second at most,
 * for all such batches in one query.
 */
#include <stdlib.h>
#include <string.h>

#include "api/hub_internal.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    COUNT_MS = 200,
    COUNTED_MAX = DOCUMENTS_MAX, /* in one query */
    PAGE_CAPTURES = 100,
    /* A follower for whom more waits gets its next page later. */
    PAGE_WAITING_BYTES = 64 * 1024,
    RETRY_MS = 1000,
};

static const struct db_statement batches_statement = {
    "hub_batches",
    "select b.id::text, d.document::json->>'endedAt', d.document "
    "from unnest($1::uuid[]) as b (id), batch_document(b.id) as d (document) "
    "where d.document is not null",
};
enum { BATCH_ID, BATCH_ENDED, BATCH_DOCUMENT };

static const struct db_statement page_statement = {
    "hub_page",
    "select j.id::text, j.status, d.document "
    "from jobs j join capture_documents d using (id) "
    "where j.batch_id = $1::uuid and j.id > $2::uuid "
    "order by j.id limit $3::integer",
};
enum { PAGE_ID, PAGE_STATUS, PAGE_DOCUMENT };

/* Before every UUIDv7. */
static const char first_page[] = "00000000-0000-0000-0000-000000000000";

/* --- in numbers */

void hub_batch_changed(struct hub *h, struct topic *topic)
{
    topic->changed = true;
    if (!h->counting && !loop_timer_running(h->count))
        loop_timer_start(h->count, COUNT_MS);
}

/* As far as this one is concerned.  `over`: it has ended, and nothing of it is
 * on its way any more; who has just come waits for nothing. */
static void tell_counts(struct hub *h, struct subscription *s,
                        struct message *m, bool changed, bool over)
{
    bool fresh = s->fresh;
    bool last = over && !s->paging && !s->held_by;

    if (fresh && s->resync)
        hub_tell_resync(h, s);
    s->resync = false;
    if (fresh || changed || last)
        hub_tell_one(h, s, m, last);
    if (last)
        hub_over(h, s, TOPIC_ENDED, NULL);
    else if (fresh && s->paging)
        hub_batch_page(h, s);
}

static void on_row(struct hub *h, const struct db_result *result, size_t row)
{
    struct topic *topic =
        topics_find(h->topics, TOPIC_BATCH, db_value(result, row, BATCH_ID));
    const char *document = db_value(result, row, BATCH_DOCUMENT);
    bool ended = db_value(result, row, BATCH_ENDED) != NULL;
    struct subscription *next;
    struct message m;
    bool changed, settled;

    if (!topic)
        return;
    /* What ended it is in the table before it is told: counted once more, it is
     * over when nothing has come meanwhile. */
    settled = ended && topic->ended && !topic->changed;
    if (ended && !settled)
        hub_batch_changed(h, topic);
    topic->ended = ended;
    changed = hub_hash(document) != topic->heard;
    topic->heard = hub_hash(document);
    topic->asked = false;
    message_init(&m, "batch", document, hub_id(h));
    for (struct subscription *s = topic->subscriptions; s; s = next) {
        next = s->next; /* the topic goes with the last one */
        tell_counts(h, s, &m, changed, settled || (ended && s->fresh));
    }
    message_release(&m);
}

struct leftover {
    struct hub *hub;
    const struct db_result *result; /* NULL: the query went well */
};

/* Asked about and not in the answer. */
static void on_missing(struct topic *topic, void *arg)
{
    const struct leftover *l = arg;
    struct subscription *next;

    if (!topic->asked)
        return;
    topic->asked = false;
    if (l->result) /* those that know something wait for the next try */
        hub_batch_changed(l->hub, topic);
    for (struct subscription *s = topic->subscriptions; s; s = next) {
        next = s->next;
        if (s->fresh || !l->result)
            hub_over(l->hub, s, l->result ? TOPIC_FAILED : TOPIC_UNKNOWN,
                     l->result);
    }
}

static void on_counts(const struct db_result *result, void *arg)
{
    struct hub *h = arg;
    struct leftover l = { .hub = h };
    size_t place = 0;

    h->counting = false;
    if (db_result_status(result) == DB_OK) {
        for (size_t i = 0; i < db_rows(result); i++)
            on_row(h, result, i);
    } else {
        l.result = result;
        loop_timer_start(h->count, RETRY_MS);
    }
    topics_walk(h->topics, TOPIC_BATCH, &place, TOPIC_BUCKETS, on_missing, &l);
    if (!loop_timer_running(h->count))
        loop_timer_start(h->count, COUNT_MS); /* what changed meanwhile */
}

struct selection {
    struct buf array;
    size_t count;
};

static void select_changed(struct topic *topic, void *arg)
{
    struct selection *s = arg;

    if (!topic->changed || s->count == COUNTED_MAX)
        return;
    topic->changed = false;
    topic->asked = true;
    db_array_add(&s->array, topic->name.id);
    s->count++;
}

static void on_count(void *arg)
{
    struct hub *h = arg;
    struct selection s = { 0 };
    const char *values[1];
    size_t place = 0;

    if (h->counting || topics_count(h->topics, TOPIC_BATCH) == 0)
        return;
    buf_init(&s.array, DOCUMENTS_ARRAY_BYTES);
    db_array_begin(&s.array);
    topics_walk(h->topics, TOPIC_BATCH, &place, TOPIC_BUCKETS, select_changed,
                &s);
    db_array_end(&s.array);
    if (s.count > 0) {
        values[0] = s.array.data;
        h->counting = true;
        db_call(h->db, &batches_statement, values, 1, on_counts, h);
    }
    buf_release(&s.array);
}

/* --- its captures */

static void next_page(struct hub *h);

static bool has_enough(const struct subscription *s)
{
    return s->follower->ops->waiting(s->follower) > PAGE_WAITING_BYTES;
}

static void tell_page(struct hub *h, struct subscription *s,
                      const struct db_result *result)
{
    size_t rows = db_rows(result);
    size_t told = 0;

    while (told < rows && !has_enough(s)) {
        struct message m;

        message_init(&m, db_value(result, told, PAGE_STATUS),
                     db_value(result, told, PAGE_DOCUMENT), hub_id(h));
        hub_tell_one(h, s, &m, false);
        message_release(&m);
        told++;
    }
    if (told == rows && rows < PAGE_CAPTURES) {
        s->paging = false;
        hub_batch_changed(h, s->topic); /* it may have ended long ago */
    } else if (told > 0) {
        free(s->page_after);
        s->page_after = mem_strdup(db_value(result, told - 1, PAGE_ID));
    }
}

static void on_page(const struct db_result *result, void *arg)
{
    struct hub *h = arg;
    struct subscription *s = h->page_of;

    h->page_asked = false;
    h->page_of = NULL;
    if (s) {
        s->held_by = NULL;
        if (db_result_status(result) == DB_OK)
            tell_page(h, s, result);
        else
            hub_over(h, s, TOPIC_FAILED, result);
    }
    next_page(h);
}

void hub_batch_page(struct hub *h, struct subscription *s)
{
    const char *values[] = { s->topic->name.id,
                             s->page_after ? s->page_after : first_page,
                             "100" };

    if (h->page_asked || s->held_by || has_enough(s))
        return; /* its turn comes */
    h->page_asked = true;
    h->page_of = s;
    s->held_by = &h->page_of;
    db_call(h->db, &page_statement, values, ARRAY_LEN(values), on_page, h);
}

static void try_page(struct topic *topic, void *arg)
{
    for (struct subscription *s = topic->subscriptions; s; s = s->next)
        if (s->paging && !s->fresh)
            hub_batch_page(arg, s);
}

/* From where it stopped the last time, so that everybody gets on. */
static void next_page(struct hub *h)
{
    for (size_t walked = 0; !h->page_asked && walked <= TOPIC_BUCKETS; walked++)
        topics_walk(h->topics, TOPIC_BATCH, &h->page_place, 1, try_page, h);
}

/* --- life cycle */

void hub_batch_follow(struct hub *h, struct subscription *s)
{
    hub_batch_changed(h, s->topic);
    if (!h->counting)
        loop_timer_start(h->count, 0);
}

static void start_again(struct topic *topic, void *arg)
{
    struct hub *h = arg;

    for (struct subscription *s = topic->subscriptions; s; s = s->next) {
        free(s->page_after);
        s->page_after = NULL;
        s->paging = true;
        s->resync = true;
        s->fresh = true;
    }
    hub_batch_changed(h, topic);
}

void hub_batch_resync(struct hub *h)
{
    size_t place = 0;

    topics_walk(h->topics, TOPIC_BATCH, &place, TOPIC_BUCKETS, start_again, h);
}

void hub_batch_init(struct hub *h)
{
    h->count = loop_timer_new(h->loop, on_count, h);
}

void hub_batch_release(struct hub *h)
{
    loop_timer_free(h->count);
}
