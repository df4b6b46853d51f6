#include "worker/job_set.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { SIZE_MIN = 64 };

void job_set_release(struct job_set *s)
{
    free(s->slots);
    *s = (struct job_set){ 0 };
}

void job_set_clear(struct job_set *s, size_t most)
{
    size_t size = s->size ? s->size : SIZE_MIN;

    while (size < 2 * most)
        size *= 2;
    if (size != s->size)
        s->slots = mem_resize_array(s->slots, size, sizeof *s->slots);
    s->size = size;
    memset(s->slots, 0, size * sizeof *s->slots);
}

/* FNV-1a */
static size_t hash(const char *id)
{
    uint64_t h = 14695981039346656037u;

    for (; *id; id++)
        h = (h ^ (uint8_t)*id) * 1099511628211u;
    return (size_t)(h ^ (h >> 32));
}

bool job_set_add(struct job_set *s, const char *id)
{
    size_t i = hash(id) & (s->size - 1);

    for (; s->slots[i]; i = (i + 1) & (s->size - 1)) {
        if (strcmp(s->slots[i], id) == 0)
            return false;
    }
    s->slots[i] = id;
    return true;
}
