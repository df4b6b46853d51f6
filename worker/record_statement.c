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
    "select outcome, status, attempt, progress "
    "from record_entries($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
    " $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,"
    " $26, $27, $28)"
};

void record_arrays_init(struct record_arrays *a)
{
    for (size_t i = 0; i < RECORD_ARRAYS; i++)
        buf_init(&a->items[i].text, ARRAY_MAX_BYTES);
}

void record_arrays_release(struct record_arrays *a)
{
    for (size_t i = 0; i < RECORD_ARRAYS; i++)
        buf_release(&a->items[i].text);
}

static void add_text(struct record_array *a, const char *value)
{
    db_array_add(&a->text, value);
    a->any |= value != NULL;
}

static void add_bytes(struct record_array *a, const char *ptr, size_t len)
{
    db_array_add_bytes(&a->text, ptr, len);
    a->any = true;
}

static void add_number(struct record_array *a, int64_t value, int64_t none)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    add_text(a, value == none ? NULL : text);
}

/* Of the entry's own words only what PostgreSQL would take as a number. */
static const char *number_or_null(const char *text)
{
    size_t digits = text ? strspn(text, "0123456789") : 0;

    return digits > 0 && digits <= 9 && text[digits] == '\0' ? text : NULL;
}

static bool keeps_payload(const struct entry *e)
{
    /* an unknown job makes a dead letter too */
    return strcmp(e->result.event, "dead") == 0 || !e->job.found ||
           e->job.presumed;
}

/* What only a dead letter has use for. */
static struct record_array *add_payload(struct record_array *a,
                                        const struct entry *e)
{
    const struct entry_fields *f = &e->fields;
    bool keep = keeps_payload(e);
    char key[ENTRY_KEY_SIZE];

    add_text(a++, keep ? f->type : NULL);
    if (keep)
        add_bytes(a++, f->body ? f->body : "", f->body_len);
    else
        add_text(a++, NULL);
    add_text(a++, keep ? f->head : NULL);
    add_text(a++, entry_letter_key(e, key) ? key : NULL);
    return a;
}

/* Who does not say which attempt is meant was judged by the one of then; should
 * a user have started the job again meanwhile, that is not this one's business.
 */
static void add_attempt(struct record_array *a, const struct entry *e)
{
    const char *said = number_or_null(e->fields.attempt);

    if (said || !e->job.found || e->result.condemned)
        add_text(a, said);
    else
        add_number(a, e->job.attempt, -1);
}

static void add_entry(struct record_array *a, const struct entry *e)
{
    const struct entry_fields *f = &e->fields;
    const struct result *r = &e->result;
    bool picture = *r->image_key;
    char key[ENTRY_KEY_SIZE];

    entry_key(e, key);
    add_text(a++, key);
    add_text(a++, e->job.found ? e->job.id : NULL);
    add_attempt(a++, e);
    add_text(a++, r->event);
    add_text(a++, f->provider ? f->provider : e->job.provider);
    add_text(a++, e->kind == ENTRY_SUBMIT ? "submit" : f->source);
    add_text(a++, f->id);
    add_text(a++, f->ip);
    add_number(a++, entry_received_ms(e), -1);
    add_text(a++, r->provider_job);
    add_number(a++, r->progress, -1);
    add_text(a++, picture ? r->image_key : NULL);
    add_text(a++, picture ? image_mime(r->image.type) : NULL);
    add_number(a++, picture ? r->image.width : 0, 0);
    add_number(a++, picture ? r->image.height : 0, 0);
    add_number(a++, picture ? (int64_t)r->size_bytes : -1, -1);
    add_text(a++, picture ? r->sha256 : NULL);
    add_text(a++, r->error);
    add_text(a++, r->error_code);
    add_number(a++, r->delay_ms, -1);
    add_text(a++, f->dead && uuid_is_valid(f->dead) ? f->dead : NULL);
    a = add_payload(a, e);
    add_text(a++, number_or_null(f->tries));
}

void record_entries(struct db *db, struct record_arrays *arrays,
                    struct entry *const *entries, size_t count,
                    int64_t stale_after_ms, db_fn *fn, void *arg)
{
    const char *values[RECORD_ARRAYS + 2];
    char stale_after[24], feeds[24];

    for (size_t i = 0; i < RECORD_ARRAYS; i++) {
        db_array_begin(&arrays->items[i].text);
        arrays->items[i].any = false;
    }
    for (size_t i = 0; i < count; i++)
        add_entry(arrays->items, entries[i]);
    for (size_t i = 0; i < RECORD_ARRAYS; i++) {
        struct record_array *a = &arrays->items[i];

        db_array_end(&a->text);
        values[i] = a->any ? a->text.data : NULL;
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
