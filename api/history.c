#include "api/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

void history_init(struct history *h)
{
    *h = (struct history){ 0 };
    h->ring = mem_resize_array(NULL, HISTORY_ENTRIES, sizeof *h->ring);
}

void history_release(struct history *h)
{
    free(h->ring);
    *h = (struct history){ 0 };
}

void history_clear(struct history *h, struct entry_id floor)
{
    h->first = 0;
    h->count = 0;
    h->floor = floor;
    h->last = floor;
}

static const struct history_entry *entry_at(const struct history *h, size_t i)
{
    return &h->ring[(h->first + i) % HISTORY_ENTRIES];
}

void history_add(struct history *h, struct entry_id id, const char *job)
{
    struct history_entry *e = &h->ring[(h->first + h->count) % HISTORY_ENTRIES];

    assert(entry_id_compare(id, h->last) > 0);
    h->last = id;
    if (!job)
        return;
    assert(strlen(job) < HISTORY_JOB_SIZE);
    if (h->count == HISTORY_ENTRIES) {
        h->floor = e->id; /* the oldest one goes */
        h->first = (h->first + 1) % HISTORY_ENTRIES;
    } else {
        h->count++;
    }
    e->id = id;
    memcpy(e->job, job, strlen(job) + 1);
}

int history_since(const struct history *h, struct entry_id since,
                  history_fn *fn, void *arg)
{
    size_t low = 0;
    size_t high = h->count;

    if (entry_id_compare(since, h->floor) < 0 ||
        entry_id_compare(since, h->last) > 0)
        return -1;
    while (low < high) { /* the first one that is greater */
        size_t middle = low + (high - low) / 2;

        if (entry_id_compare(entry_at(h, middle)->id, since) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    for (; low < h->count; low++)
        fn(entry_at(h, low)->job, arg);
    return 0;
}
