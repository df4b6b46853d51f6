#include "ingest/rejected.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/json_escape.h"
#include "common/mem.h"

struct text {
    int64_t at_ms;
    uint64_t order; /* over all processes, from 1 on */
    char reason[24], ip[64], provider[64], job[40];
    char detail[160], explanation[512];
};

/* A writer may be killed in the middle of it: then the version stays odd, and
 * nobody reads the slot until it is written again. */
struct slot {
    atomic_uint_fast64_t version; /* 0: never written; odd: being written */
    struct text text;
};

struct ring {
    uint64_t count; /* of its one writer */
    struct slot slots[REJECTED_KEPT];
};

struct shared {
    atomic_uint_fast64_t order;
    struct ring rings[]; /* [process][reason] */
};

struct rejected {
    unsigned processes, reasons;
    size_t size;
    struct shared *shared;
};

struct rejected *rejected_new(unsigned processes, unsigned reasons)
{
    struct rejected *r = mem_zalloc(sizeof *r);

    r->processes = processes;
    r->reasons = reasons;
    r->size = sizeof *r->shared +
              (size_t)processes * reasons * sizeof *r->shared->rings;
    r->shared = mmap(NULL, r->size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r->shared == MAP_FAILED)
        abort();
    return r;
}

void rejected_free(struct rejected *r)
{
    if (!r)
        return;
    munmap(r->shared, r->size);
    free(r);
}

static void copy(char *into, size_t size, const char *text)
{
    size_t len = text ? strnlen(text, size - 1) : 0;

    if (len > 0)
        memcpy(into, text, len);
    into[len] = '\0';
}

#define COPY(into, text) copy(into, sizeof(into), text)

void rejected_put(struct rejected *r, unsigned process, unsigned reason,
                  const struct rejection *rejection)
{
    struct ring *ring = &r->shared->rings[process * r->reasons + reason];
    struct slot *slot = NULL;
    uint64_t version = 0;

    assert(process < r->processes && reason < r->reasons);
    slot = &ring->slots[ring->count++ % REJECTED_KEPT];
    version = atomic_load_explicit(&slot->version, memory_order_relaxed) | 1;
    atomic_store_explicit(&slot->version, version, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    slot->text.at_ms = rejection->at_ms;
    slot->text.order = atomic_fetch_add(&r->shared->order, 1) + 1;
    COPY(slot->text.reason, rejection->reason);
    COPY(slot->text.ip, rejection->ip);
    COPY(slot->text.provider, rejection->provider);
    COPY(slot->text.job, rejection->job);
    COPY(slot->text.detail, rejection->detail);
    COPY(slot->text.explanation, rejection->explanation);
    atomic_store_explicit(&slot->version, version + 1, memory_order_release);
}

/* --- giving them out */

static bool read_slot(const struct slot *slot, struct text *into)
{
    uint64_t before =
        atomic_load_explicit(&slot->version, memory_order_acquire);

    if (before == 0 || before % 2 == 1)
        return false;
    *into = slot->text;
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&slot->version, memory_order_relaxed) == before;
}

static int by_order(const void *a, const void *b)
{
    const struct text *x = a, *y = b;

    return x->order < y->order ? -1 : x->order > y->order;
}

static int put_text(struct buf *out, const char *name, const char *text)
{
    return *text == '\0' || (buf_printf(out, ",\"%s\":\"", name) == 0 &&
                             json_escape(out, text, SIZE_MAX) == 0 &&
                             buf_append_str(out, "\"") == 0)
               ? 0
               : -1;
}

static int render(const struct text *t, struct buf *out)
{
    char at[CLOCK_TEXT_SIZE];

    clock_format(t->at_ms, at);
    return buf_printf(out, "{\"at\":\"%s\"", at) == 0 &&
                   put_text(out, "reason", t->reason) == 0 &&
                   put_text(out, "ip", t->ip) == 0 &&
                   put_text(out, "provider", t->provider) == 0 &&
                   put_text(out, "job", t->job) == 0 &&
                   put_text(out, "detail", t->detail) == 0 &&
                   put_text(out, "explanation", t->explanation) == 0 &&
                   buf_append_str(out, "}\n") == 0
               ? 0
               : -1;
}

int rejected_render(const struct rejected *r, struct buf *out)
{
    size_t slots = (size_t)r->processes * r->reasons * REJECTED_KEPT;
    struct text *texts = mem_resize_array(NULL, slots, sizeof *texts);
    size_t count = 0;
    int rc = 0;

    for (size_t i = 0; i < slots; i++)
        count += read_slot(
            &r->shared->rings[i / REJECTED_KEPT].slots[i % REJECTED_KEPT],
            &texts[count]);
    qsort(texts, count, sizeof *texts, by_order);
    for (size_t i = count > REJECTED_TOLD ? count - REJECTED_TOLD : 0;
         rc == 0 && i < count; i++)
        rc = render(&texts[i], out);
    free(texts);
    return rc;
}
