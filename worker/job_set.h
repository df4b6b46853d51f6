/* job_set.h - which jobs have an entry in hand: a set of ids.
 *
 * The ids are borrowed and stay until the next job_set_clear().
 */
#ifndef JOB_SET_H
#define JOB_SET_H

#include "common/base.h"

struct job_set {
    const char **slots; /* open addressing; NULL: free */
    size_t size;        /* of slots, a power of two */
};

void job_set_release(struct job_set *s);

/* Empties it and makes room for that many ids. */
void job_set_clear(struct job_set *s, size_t most);
/* False when the id was in there already. */
bool job_set_add(struct job_set *s, const char *id);

#endif
