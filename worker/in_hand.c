#include "worker/in_hand.h"

#include <string.h>

#include "worker/worker_metrics.h"

enum {
    HELD_MAX_BYTES = 64 * 1024 * 1024,
    USUAL_BYTES = 1024,
};

void in_hand_init(struct in_hand *h, size_t count_max, struct metrics *metrics)
{
    *h = (struct in_hand){ .count_max = count_max,
                           .usual_bytes = USUAL_BYTES,
                           .metrics = metrics };
}

void in_hand_release(struct in_hand *h)
{
    while (h->first)
        in_hand_remove(h, h->first);
}

void in_hand_add(struct in_hand *h, struct entry *e)
{
    e->next_held = h->first;
    if (h->first)
        h->first->prev_held = e;
    h->first = e;
    h->count++;
    h->bytes += e->size;
    metric_add(h->metrics, ENTRIES_IN_HAND, 1);
}

void in_hand_remove(struct in_hand *h, struct entry *e)
{
    if (e->prev_held)
        e->prev_held->next_held = e->next_held;
    else
        h->first = e->next_held;
    if (e->next_held)
        e->next_held->prev_held = e->prev_held;
    h->count--;
    h->bytes -= e->size;
    metric_add(h->metrics, ENTRIES_IN_HAND, -1);
    entry_free(e);
}

void in_hand_expect(struct in_hand *h, size_t count, size_t bytes)
{
    if (count > 0)
        h->usual_bytes = bytes / count + USUAL_BYTES;
}

size_t in_hand_room(const struct in_hand *h)
{
    size_t by_count = h->count_max > h->count ? h->count_max - h->count : 0;
    size_t left = h->bytes < HELD_MAX_BYTES ? HELD_MAX_BYTES - h->bytes : 0;
    size_t by_bytes = left / h->usual_bytes;

    if (h->count == 0 && by_bytes == 0)
        by_bytes = 1; /* one that is larger than that has to be done too */
    return by_count < by_bytes ? by_count : by_bytes;
}

bool in_hand_has(const struct in_hand *h, const char *id)
{
    for (const struct entry *e = h->first; e; e = e->next_held) {
        if (strcmp(e->id, id) == 0)
            return true;
    }
    return false;
}
