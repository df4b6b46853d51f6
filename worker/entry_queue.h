/* entry_queue.h - entries in a row, linked by entry.next; none is owned. */
#ifndef ENTRY_QUEUE_H
#define ENTRY_QUEUE_H

#include "worker/entry.h"

struct entry_queue {
    struct entry *first, *last;
    size_t count;
};

void entry_queue_push(struct entry_queue *q, struct entry *e);
void entry_queue_push_front(struct entry_queue *q, struct entry *e);
/* NULL when it is empty. */
struct entry *entry_queue_pop(struct entry_queue *q);
/* Puts all of `others` in front of what is in `q`. */
void entry_queue_prepend(struct entry_queue *q, struct entry_queue *others);

#endif
