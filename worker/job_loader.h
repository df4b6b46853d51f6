/* job_loader.h - finds the jobs of many entries with one query.
 *
 * By our own id where the entry has one, else by the provider's.  With the
 * latter an entry may have its job made, if there is none (entry.adopt).
 */
#ifndef JOB_LOADER_H
#define JOB_LOADER_H

#include "common/db.h"
#include "common/loop.h"
#include "worker/entry.h"

struct job_loader;

/* The entry's job is filled in (job.found false: there is none). */
typedef void job_loaded_fn(struct entry *e, void *arg);

struct job_loader *job_loader_new(struct loop *loop, struct db *db,
                                  job_loaded_fn *fn, void *arg);
void job_loader_free(struct job_loader *l); /* accepts NULL */

/* Keeps the entry until its job is loaded, however long PostgreSQL is away. */
void job_loader_add(struct job_loader *l, struct entry *e);

#endif
