#include "capture/jobs.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/shot.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/mem.h"

enum { BUCKETS = 1 << 16, STATES = JOB_EXPIRED + 1 };

static const char *const state_names[] = {
    [JOB_QUEUED] = "queued",       [JOB_PROCESSING] = "processing",
    [JOB_COMPLETED] = "completed", [JOB_FAILED] = "failed",
    [JOB_EXPIRED] = "expired",
};

/* The list of one state, in the order of arrival. */
struct list {
    struct job *first, *last;
    size_t count;
};

struct jobs {
    struct job *buckets[BUCKETS];
    struct list lists[STATES];
    job_expired_fn *expired;
    void *arg;
};

struct jobs *jobs_new(job_expired_fn *expired, void *arg)
{
    struct jobs *j = mem_zalloc(sizeof *j);

    j->expired = expired;
    j->arg = arg;
    return j;
}

/* The ids come from here, so nobody can aim at one bucket. */
static size_t bucket_of(const char *id)
{
    uint32_t hash = 2166136261U; /* FNV-1a */

    for (; *id != '\0'; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619U;
    return hash % BUCKETS;
}

static void append(struct list *l, struct job *job)
{
    job->next = NULL;
    job->previous = l->last;
    if (l->last)
        l->last->next = job;
    else
        l->first = job;
    l->last = job;
    l->count++;
}

static void take_out(struct list *l, struct job *job)
{
    if (job->previous)
        job->previous->next = job->next;
    else
        l->first = job->next;
    if (job->next)
        job->next->previous = job->previous;
    else
        l->last = job->previous;
    l->count--;
}

/* The only place where a job changes its state. */
static void enter(struct jobs *j, struct job *job, enum job_state state)
{
    static const unsigned allowed[STATES] = {
        [JOB_QUEUED] = 1 << JOB_PROCESSING | 1 << JOB_FAILED,
        [JOB_PROCESSING] = 1 << JOB_COMPLETED | 1 << JOB_FAILED,
        [JOB_COMPLETED] = 1 << JOB_EXPIRED,
        [JOB_FAILED] = 1 << JOB_EXPIRED,
    };

    (void)allowed; /* without assertions */
    assert(allowed[job->state] & 1U << state);
    take_out(&j->lists[job->state], job);
    job->state = state;
    append(&j->lists[state], job);
}

static void insert(struct jobs *j, struct job *job, enum job_state state)
{
    size_t bucket = bucket_of(job->id);

    job->bucket_next = j->buckets[bucket];
    j->buckets[bucket] = job;
    job->state = state;
    append(&j->lists[state], job);
}

static void job_free(struct job *job)
{
    shot_options_release(&job->options);
    free(job->error);
    free(job);
}

void jobs_free(struct jobs *j)
{
    if (!j)
        return;
    for (size_t state = 0; state < STATES; state++) {
        while (j->lists[state].first) {
            struct job *job = j->lists[state].first;

            take_out(&j->lists[state], job);
            job_free(job);
        }
    }
    free(j);
}

/* Sorted by time, and not to be guessed: whoever has the id may see the picture
 * (RFC 9562, section 5.7). */
static void make_id(char out[JOB_ID_SIZE])
{
    char random[2 * 10 + 1];
    unsigned long long now = (unsigned long long)clock_wall_ms();

    random_hex(10, random);
    snprintf(out, JOB_ID_SIZE, "%08llx-%04llx-7%.3s-%c%.3s-%.12s",
             now >> 16 & 0xffffffff, now & 0xffff, random,
             "89ab"[(unsigned char)random[3] % 4], random + 4, random + 7);
}

struct job *jobs_add(struct jobs *j, struct shot_options *options)
{
    struct job *job = mem_zalloc(sizeof *job);

    make_id(job->id);
    job->options = *options;
    *options = (struct shot_options){ .url = NULL };
    insert(j, job, JOB_QUEUED);
    return job;
}

void jobs_restore(struct jobs *j, const char *id, const struct image *image,
                  size_t size_bytes, int64_t finished_ms)
{
    struct job *job = mem_zalloc(sizeof *job);

    snprintf(job->id, sizeof job->id, "%s", id);
    job->image = *image;
    job->size_bytes = size_bytes;
    job->finished_ms = finished_ms;
    insert(j, job, JOB_COMPLETED);
}

struct job *jobs_find(const struct jobs *j, const char *id)
{
    struct job *job = j->buckets[bucket_of(id)];

    while (job && strcmp(job->id, id) != 0)
        job = job->bucket_next;
    return job;
}

struct job *jobs_start_next(struct jobs *j)
{
    struct job *job = j->lists[JOB_QUEUED].first;

    if (job) {
        job->started_us = clock_monotonic_us();
        enter(j, job, JOB_PROCESSING);
    }
    return job;
}

void job_finish(struct jobs *j, struct job *job,
                const struct shot_result *result)
{
    job->finished_ms = clock_wall_ms();
    job->failure = result->fault.failure;
    if (job->failure != FAILURE_NONE) {
        job->error = mem_strdup(result->fault.message);
        enter(j, job, JOB_FAILED);
    } else {
        job->image = result->image;
        job->size_bytes = result->len;
        job->truncated = result->truncated;
        enter(j, job, JOB_COMPLETED);
    }
    shot_options_release(&job->options);
}

void jobs_drop(struct jobs *j, struct job *job)
{
    struct job **place = &j->buckets[bucket_of(job->id)];

    while (*place != job)
        place = &(*place)->bucket_next;
    *place = job->bucket_next;
    take_out(&j->lists[job->state], job);
    job_free(job);
}

static void expire(struct jobs *j, enum job_state state, int64_t now_ms)
{
    struct job *job = NULL;

    while ((job = j->lists[state].first) &&
           (now_ms - job->finished_ms >= JOB_KEPT_MS ||
            j->lists[state].count > JOBS_MAX)) {
        if (state == JOB_COMPLETED)
            j->expired(job, j->arg);
        enter(j, job, JOB_EXPIRED);
    }
}

void jobs_expire(struct jobs *j, int64_t now_wall_ms)
{
    struct list *gone = &j->lists[JOB_EXPIRED];

    expire(j, JOB_COMPLETED, now_wall_ms);
    expire(j, JOB_FAILED, now_wall_ms);
    while (gone->first &&
           (now_wall_ms - gone->first->finished_ms >= 2 * JOB_KEPT_MS ||
            gone->count > JOBS_MAX))
        jobs_drop(j, gone->first);
}

size_t jobs_count(const struct jobs *j, enum job_state state)
{
    return j->lists[state].count;
}

struct job *jobs_first(const struct jobs *j, enum job_state state)
{
    return j->lists[state].first;
}

const char *job_state_name(enum job_state s)
{
    return state_names[s];
}
