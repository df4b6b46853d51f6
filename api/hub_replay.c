/* hub_replay.c - what a follower missed, from the id of its last event on. */
#include <stdlib.h>
#include <string.h>

#include "api/hub_internal.h"
#include "common/mem.h"

enum {
    /* Captures that changed; who missed more looks for itself. */
    REPLAY_MAX = DOCUMENTS_MAX,
    REPLAYS_MAX = 32, /* queries under way */
};

struct replay {
    struct hub *hub;
    struct subscription *subscription; /* NULL: it has gone */
};

struct missed {
    struct buf array;
    size_t count;
};

static void on_missed(const char *job, void *arg)
{
    struct missed *m = arg;

    /* one that changed twice may be there twice: any () does not mind */
    if (m->count++ < REPLAY_MAX)
        db_array_add(&m->array, job);
}

static void tell_row(struct replay *r, const struct db_result *result,
                     size_t row)
{
    struct subscription *s = r->subscription;
    const char *batch = db_value(result, row, DOCUMENT_BATCH);
    struct message m;

    if (s->topic->name.kind == TOPIC_BATCH &&
        (!batch || strcmp(batch, s->topic->name.id) != 0))
        return;
    message_init(&m, db_value(result, row, DOCUMENT_STATUS),
                 db_value(result, row, DOCUMENT), hub_id(r->hub));
    hub_tell_one(r->hub, s, &m, false);
    message_release(&m);
}

static void on_documents(const struct db_result *result, void *arg)
{
    struct replay *r = arg;
    struct subscription *s = r->subscription;

    r->hub->replays--;
    if (s) {
        s->held_by = NULL;
        if (db_result_status(result) != DB_OK)
            hub_over(r->hub, s, TOPIC_FAILED, result);
        else
            for (size_t i = 0; i < db_rows(result); i++)
                tell_row(r, result, i);
        if (db_result_status(result) == DB_OK &&
            s->topic->name.kind == TOPIC_BATCH)
            hub_batch_changed(r->hub, s->topic); /* it may have ended */
    }
    free(r);
}

static void start(struct hub *h, struct subscription *s, const char *array)
{
    struct replay *r = mem_zalloc(sizeof *r);

    *r = (struct replay){ .hub = h, .subscription = s };
    s->held_by = &r->subscription;
    h->replays++;
    db_call(h->db, &documents_statement, &array, 1, on_documents, r);
}

bool hub_replay(struct hub *h, struct subscription *s, const char *since)
{
    struct position p;
    struct missed m = { 0 };
    bool known = h->known && h->replays < REPLAYS_MAX && !s->held_by &&
                 position_parse(since, h->position.count, &p);

    buf_init(&m.array, DOCUMENTS_ARRAY_BYTES);
    db_array_begin(&m.array);
    for (size_t i = 0; known && i < h->position.count; i++)
        known = history_since(&h->histories[i], p.at[i], on_missed, &m) == 0;
    known &= m.count <= REPLAY_MAX;
    db_array_end(&m.array);
    if (known && m.count > 0)
        start(h, s, m.array.data);
    buf_release(&m.array);
    return known;
}
