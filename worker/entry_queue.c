#include "worker/entry_queue.h"

void entry_queue_push(struct entry_queue *q, struct entry *e)
{
    e->next = NULL;
    if (q->last)
        q->last->next = e;
    else
        q->first = e;
    q->last = e;
    q->count++;
}

void entry_queue_push_front(struct entry_queue *q, struct entry *e)
{
    e->next = q->first;
    q->first = e;
    if (!q->last)
        q->last = e;
    q->count++;
}

struct entry *entry_queue_pop(struct entry_queue *q)
{
    struct entry *e = q->first;

    if (!e)
        return NULL;
    q->first = e->next;
    if (!q->first)
        q->last = NULL;
    q->count--;
    e->next = NULL;
    return e;
}

void entry_queue_prepend(struct entry_queue *q, struct entry_queue *others)
{
    if (!others->first)
        return;
    others->last->next = q->first;
    q->first = others->first;
    if (!q->last)
        q->last = others->last;
    q->count += others->count;
    *others = (struct entry_queue){ 0 };
}
