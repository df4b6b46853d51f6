#include "worker/record_statement.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

enum {
    /* what recorder.c lets into a batch, in hex, with room to spare */
    ARRAY_MAX_BYTES = 512 * 1024 * 1024,
    DEAD_FEEDS_MAX = 3,
};

static const struct db_statement statement = {
    "record_entries",
    "select r.entry_id, r.outcome, r.job_id, r.status, r.attempt, r.progress "
    "from record_entries($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
    " $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $26, $27,"
    " $25) r "
    "join unnest($1) with ordinality as e (id, n) on e.id = r.entry_id "
    "order by e.n"
};

void record_arrays_init(struct record_arrays *a)
{
    for (size_t i = 0; i < RECORD_ARRAYS; i++)
        buf_init(&a->items[i], ARRAY_MAX_BYTES);
}

void record_arrays_release(struct record_arrays *a)
{
    for (size_t i = 0; i < RECORD_ARRAYS; i++)
        buf_release(&a->items[i]);
}

static void add_number(struct buf *b, int64_t value, int64_t none)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    db_array_add(b, value == none ? NULL : text);
}

/* Of the entry's own words only what PostgreSQL would take as a number. */
static const char *number_or_null(const char *text)
{
    size_t digits = text ? strspn(text, "0123456789") : 0;

    return digits > 0 && digits <= 9 && text[digits] == '\0' ? text : NULL;
}

static int64_t received_ms(const struct entry *e)
{
    const char *text = e->fields.received_ms;
    int64_t ms = -1;

    if (text && strspn(text, "0123456789") == strlen(text) &&
        strlen(text) < 15 && sscanf(text, "%" SCNd64, &ms) == 1)
        return ms;
    return stream_id_ms(e->id);
}

static bool keeps_payload(const struct entry *e)
{
    /* an unknown job makes a dead letter too */
    return strcmp(e->result.event, "dead") == 0 || !e->job.found;
}

static void add_entry(struct record_arrays *a, const struct entry *e)
{
    const struct entry_fields *f = &e->fields;
    const struct result *r = &e->result;
    bool picture = *r->image_key;
    struct buf *b = a->items;
    char key[ENTRY_KEY_SIZE];

    entry_key(e, key);
    db_array_add(b++, key);
    db_array_add(b++, entry_stream(e->kind));
    db_array_add(b++, e->job.found ? e->job.id : NULL);
    db_array_add(b++, number_or_null(f->attempt));
    db_array_add(b++, r->event);
    db_array_add(b++, f->provider ? f->provider : e->job.provider);
    db_array_add(b++, e->kind == ENTRY_SUBMIT ? "submit" : f->source);
    db_array_add(b++, f->id);
    db_array_add(b++, f->ip);
    add_number(b++, received_ms(e), -1);
    db_array_add(b++, r->provider_job);
    add_number(b++, r->progress, -1);
    db_array_add(b++, picture ? r->image_key : NULL);
    db_array_add(b++, picture ? image_mime(r->image.type) : NULL);
    add_number(b++, picture ? r->image.width : 0, 0);
    add_number(b++, picture ? r->image.height : 0, 0);
    add_number(b++, picture ? (int64_t)r->size_bytes : -1, -1);
    db_array_add(b++, picture ? r->sha256 : NULL);
    db_array_add(b++, r->error);
    db_array_add(b++, r->error_code);
    add_number(b++, r->delay_ms, -1);
    db_array_add(b++, f->type);
    if (keeps_payload(e))
        db_array_add_bytes(b++, f->body ? f->body : "", f->body_len);
    else
        db_array_add(b++, NULL);
    db_array_add(b++, f->dead && uuid_is_valid(f->dead) ? f->dead : NULL);
    db_array_add(b++, keeps_payload(e) ? f->head : NULL);
}

void record_entries(struct db *db, struct record_arrays *a,
                    struct entry *const *entries, size_t count,
                    int64_t stale_after_ms, db_fn *fn, void *arg)
{
    const char *values[RECORD_ARRAYS + 2];
    char stale_after[24], feeds[24];

    for (size_t i = 0; i < RECORD_ARRAYS; i++)
        db_array_begin(&a->items[i]);
    for (size_t i = 0; i < count; i++)
        add_entry(a, entries[i]);
    for (size_t i = 0; i < RECORD_ARRAYS; i++) {
        db_array_end(&a->items[i]);
        values[i] = a->items[i].data;
    }
    snprintf(stale_after, sizeof stale_after, "%" PRId64, stale_after_ms);
    snprintf(feeds, sizeof feeds, "%d", DEAD_FEEDS_MAX);
    values[RECORD_ARRAYS] = stale_after;
    values[RECORD_ARRAYS + 1] = feeds;
    db_call(db, &statement, values, ARRAY_LEN(values), fn, arg);
}

size_t record_size(const struct entry *e)
{
    return 1024 + (keeps_payload(e) ? 2 * e->fields.body_len : 0);
}
