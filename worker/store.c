#include "worker/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "worker/reminder.h"
#include "worker/store_backend.h"

enum {
    WAITING_MAX_BYTES = 64 * 1024 * 1024,
    RETRY_BASE_MS = 500,
    RETRY_CAP_MS = 10 * 1000,
};

struct store {
    struct store_backend *backend;
    struct store_item *first, *last; /* waiting */
    size_t under_way;
    size_t bytes; /* of all in hand */
    struct loop_timer *again;
    bool well;
    unsigned failures; /* rounds in a row */
    struct reminder reminder;
    loop_fn *on_change;
    void *arg;
};

static void push(struct store *s, struct store_item *item)
{
    item->next = NULL;
    if (s->last)
        s->last->next = item;
    else
        s->first = item;
    s->last = item;
}

/* While it is not well, one picture at a time finds out whether it still is. */
static void start_waiting(struct store *s)
{
    size_t most = s->well ? s->backend->at_once : 1;

    while (s->first && s->under_way < most && !loop_timer_running(s->again)) {
        struct store_item *item = s->first;

        s->first = item->next;
        if (!s->first)
            s->last = NULL;
        s->under_way++;
        s->backend->put(s->backend, item);
    }
}

static void add(struct store *s, const struct store_item *filled,
                const char *ptr)
{
    struct store_item *item = mem_alloc(sizeof *item);

    *item = *filled;
    item->ptr = mem_dup(ptr, item->len);
    s->bytes += item->len;
    push(s, item);
    start_waiting(s);
}

/* A small file that shows whether anything can be stored at all. */
static void probe(struct store *s)
{
    static const char text[] = "Shotfleet keeps pictures here.\n";
    struct store_item item = { .key = ".shotfleet", .len = sizeof text - 1 };

    sha256_hex(text, item.len, item.sha256);
    add(s, &item, text);
}

static void try_again(void *arg)
{
    struct store *s = arg;

    if (s->first)
        start_waiting(s);
    else
        probe(s);
}

static void set_well(struct store *s, bool well)
{
    if (s->well == well)
        return;
    s->well = well;
    s->on_change(s->arg);
}

static void fall_ill(struct store *s, const char *error)
{
    if (reminder_due(&s->reminder, clock_monotonic_ms()))
        log_error(NULL, "%s; no work is taken until the storage is well",
                  error);
    if (!loop_timer_running(s->again))
        loop_timer_start(
            s->again, backoff_ms(s->failures++, RETRY_BASE_MS, RETRY_CAP_MS));
    set_well(s, false);
}

static void recover(struct store *s)
{
    if (reminder_clear(&s->reminder))
        log_info(NULL, "the storage is well again");
    s->failures = 0;
    set_well(s, true);
}

void store_item_free(struct store_item *item)
{
    free(item->ptr);
    free(item);
}

void store_settle(struct store *s, struct store_item *item)
{
    s->under_way--;
    if (item->outcome == OUTCOME_RETRY) {
        push(s, item); /* behind the others: it may be larger than the room */
        fall_ill(s, item->error);
        return;
    }
    if (item->outcome == OUTCOME_DONE)
        recover(s);
    s->bytes -= item->len;
    if (item->fn)
        item->fn(item->outcome, item->error, item->arg);
    store_item_free(item);
    start_waiting(s);
}

static struct store_backend *make_backend(struct store *s,
                                          const struct store_options *o,
                                          char *error, size_t error_size)
{
    static const char file[] = "file://";

    if (s3_is_url(o->url))
        return store_s3_new(s, o->http, o->url, o->s3, error, error_size);
    if (strncmp(o->url, file, sizeof file - 1) == 0 &&
        o->url[sizeof file - 1] == '/')
        return store_file_new(s, o->loop, o->url + sizeof file - 1, error,
                              error_size);
    snprintf(error, error_size,
             "SHOTFLEET_STORAGE=\"%.200s\" is neither file:///absolute/folder "
             "nor s3://bucket/prefix",
             o->url);
    return NULL;
}

struct store *store_new(const struct store_options *options, char *error,
                        size_t error_size)
{
    struct store *s = mem_zalloc(sizeof *s);

    *s = (struct store){ .on_change = options->on_change, .arg = options->arg };
    s->again = loop_timer_new(options->loop, try_again, s);
    s->backend = make_backend(s, options, error, error_size);
    if (!s->backend) {
        store_free(s);
        return NULL;
    }
    probe(s);
    return s;
}

void store_free(struct store *s)
{
    if (!s)
        return;
    if (s->backend)
        s->backend->free(s->backend);
    while (s->first) {
        struct store_item *item = s->first;

        s->first = item->next;
        store_item_free(item);
    }
    loop_timer_free(s->again);
    free(s);
}

/* Ids are ordered by time: their last digits spread best. */
void store_key(char key[STORE_KEY_SIZE], const char *job_id,
               enum image_type type, const char *sha256)
{
    size_t n = strlen(job_id);

    snprintf(key, STORE_KEY_SIZE, "screenshots/%.2s/%.2s/%s-%.12s.%s",
             job_id + n - 2, job_id + n - 4, job_id, sha256,
             image_extension(type));
}

void store_put(struct store *s, const char *key, enum image_type type,
               const char *sha256, const char *ptr, size_t len, store_fn *fn,
               void *arg)
{
    struct store_item item = { .type = type, .len = len, .fn = fn, .arg = arg };

    snprintf(item.key, sizeof item.key, "%s", key);
    snprintf(item.sha256, sizeof item.sha256, "%s", sha256);
    add(s, &item, ptr);
}

bool store_is_well(const struct store *s)
{
    return s->well;
}

bool store_has_room(const struct store *s)
{
    return s->bytes < WAITING_MAX_BYTES;
}
