/* jobs.h - what was asked for and what became of it.
 *
 * A table in memory.  When the process dies the jobs that were not completed
 * are forgotten, and their status is 404: whoever asked submits them again.
 * Completed ones come back, because their pictures lie on the disk.
 *
 * A completed or failed job is kept for JOB_KEPT_MS, then for as long again as
 * "expired", without its picture.
 */
#ifndef JOBS_H
#define JOBS_H

#include "capture/failure.h"
#include "capture/shot_options.h"
#include "common/base.h"
#include "common/image.h"

enum {
    JOB_KEPT_MS = 24 * 60 * 60 * 1000,
    /* Jobs remembered beyond the queue; the oldest go first. */
    JOBS_MAX = 200000,
    JOB_ID_SIZE = 37, /* a UUIDv7 (RFC 9562) and a NUL */
};

enum job_state {
    JOB_QUEUED,     /* waits for its turn */
    JOB_PROCESSING, /* a shot is being made of it */
    JOB_COMPLETED,  /* there is a picture */
    JOB_FAILED,     /* there is a fault */
    JOB_EXPIRED,    /* it is known that there was something */
};

struct shot_result;

/* A client that waits for the picture itself; `result` is borrowed. */
typedef void job_reply_fn(const struct shot_result *result, int64_t elapsed_us,
                          void *arg);

struct job {
    char id[JOB_ID_SIZE];
    enum job_state state;
    struct shot_options options; /* empty once the job is over */
    job_reply_fn *reply;         /* NULL: an asynchronous job */
    void *reply_arg;
    int64_t started_us;  /* clock_monotonic_us */
    int64_t finished_ms; /* clock_wall_ms */
    struct image image;  /* of a completed one */
    size_t size_bytes;
    bool truncated;
    enum failure failure; /* of a failed one */
    char *error;

    struct job *next, *previous; /* in the list of its state */
    struct job *bucket_next;
};

struct jobs;
/* A job's picture is no longer wanted. */
typedef void job_expired_fn(const struct job *job, void *arg);

struct jobs *jobs_new(job_expired_fn *expired, void *arg);
void jobs_free(struct jobs *j); /* accepts NULL; expires nothing */

/* A queued job with a new id; takes the options, leaves `options` empty. */
struct job *jobs_add(struct jobs *j, struct shot_options *options);
/* A completed one that was found on the disk. */
void jobs_restore(struct jobs *j, const char *id, const struct image *image,
                  size_t size_bytes, int64_t finished_ms);
struct job *jobs_find(const struct jobs *j, const char *id); /* or NULL */

/* The oldest queued one becomes JOB_PROCESSING; NULL when there is none. */
struct job *jobs_start_next(struct jobs *j);
/* Records the end of a queued or processing job. */
void job_finish(struct jobs *j, struct job *job,
                const struct shot_result *result);
/* Forgets a finished job at once. */
void jobs_drop(struct jobs *j, struct job *job);
/* Expires what is due; to be called now and then. */
void jobs_expire(struct jobs *j, int64_t now_wall_ms);

size_t jobs_count(const struct jobs *j, enum job_state state);
struct job *jobs_first(const struct jobs *j, enum job_state state);
const char *job_state_name(enum job_state s); /* "queued" */

#endif
