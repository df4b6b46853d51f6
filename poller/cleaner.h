/* cleaner.h - forgetting what is old, and removing what is left over.
 *
 * The table `cleanings` (sql/) says what is to be done: runs of tasks, due by
 * schedule or asked for by `shotfleet clean`.  One at a time is leased and done
 * in small steps, each told to the table, which is how an operator follows it
 * and how another poller goes on where this one died.  Whatever a step did may
 * be done again.
 */
#ifndef CLEANER_H
#define CLEANER_H

#include "common/db.h"
#include "common/metrics.h"
#include "common/shards.h"
#include "poller/pictures.h"
#include "poller/poller_settings.h"

struct cleaner;

enum { CLEAN_PLACE_SIZE = PICTURES_PLACE_SIZE }; /* or an id */

/* The run at hand. */
struct cleaning {
    struct cleaner *cleaner;
    const struct clean_task *task;
    char id[24];
    bool dry_run;
    char place[CLEAN_PLACE_SIZE]; /* where to go on; "" at the beginning */
    int64_t bytes;                /* found so far */
    struct db *db;                /* nobody waits for it */
    struct shards *shards;
    const struct poller_settings *settings;
    struct pictures *pictures;
    struct picture_batch batch; /* of the task, between the parts of a step */
};

/* What a step did. */
struct clean_step {
    int64_t found, removed;
    int64_t bytes;
    const char *place; /* to go on from; NULL: finished */
    const char *error; /* ends it; NULL: none */
};

struct clean_task {
    const char *name;
    void (*step)(struct cleaning *c); /* calls cleaner_step() once, later */
};

/* `settings` are borrowed, like the rest. */
struct cleaner *cleaner_new(struct loop *loop, struct db *db,
                            struct shards *shards, struct http_client *http,
                            struct metrics *metrics,
                            const struct poller_settings *settings);
/* When `http`, `db` and `shards` are gone.  Accepts NULL. */
void cleaner_free(struct cleaner *c);

void cleaner_step(struct cleaning *c, const struct clean_step *step);
/* The answer of PostgreSQL was an error: true, and the step is over. */
MUST_USE bool cleaner_failed(struct cleaning *c, const struct db_result *r);

/* The tasks, by name. */
extern const struct clean_task clean_partitions, clean_deliveries,
    clean_dead_letters, clean_callbacks; /* clean_rows.c */
extern const struct clean_task clean_jobs, clean_pictures,
    clean_missing; /* clean_pictures.c */
extern const struct clean_task clean_orphans,
    clean_temporary;                            /* clean_files.c */
extern const struct clean_task clean_consumers; /* clean_consumers.c */

#endif
