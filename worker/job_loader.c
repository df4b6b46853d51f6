#include "worker/job_loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "worker/entry_queue.h"

enum {
    LOAD_MAX = 500,
    RETRY_MS = 500,
    PARAMETER_MAX_BYTES = 64 * 1024 * 1024,
};

/* What is to be captured only submissions need to know. */
#define COLUMNS                                                                \
    "select j.id, j.status, j.attempt, j.max_attempts, j.provider,"            \
    "       case when e.submit then j.url end,"                                \
    "       case when e.submit then j.options end "

/* All say our own id. */
static const struct db_statement by_id = {
    "load_jobs_by_id",
    COLUMNS "from unnest($1::uuid[], $2::boolean[]) with ordinality"
            "     as e (id, submit, n) "
            "left join jobs j on j.id = e.id "
            "order by e.n"
};

static const struct db_statement by_either_id = {
    "load_jobs", COLUMNS
    "from unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[])"
    "     with ordinality as e (id, submit, provider, provider_job_id, n) "
    "left join lateral ("
    "    select * from jobs where id = e.id"
    "    union all"
    "    select * from jobs"
    "    where id = job_of_provider(e.provider, e.provider_job_id)"
    "    and not exists (select from jobs o where o.id = e.id)"
    ") j on true "
    "order by e.n"
};

/* Goes ahead of the question, on the same connection. */
static const struct db_statement adopt = { "adopt_jobs",
                                           "select adopt_jobs($1, $2, $3)" };

struct job_loader {
    struct db *db;
    job_loaded_fn *fn;
    void *arg;
    struct loop_timer *timer;
    struct entry_queue waiting;
    struct entry_queue asked; /* in the query under way */
    struct buf ids, submits, providers, provider_jobs, page_urls;
    bool any_adopts;
    bool all_own; /* every one of them says our own id */
};

static void fill(struct job *job, const struct db_result *r, size_t row)
{
    const char *id = db_value(r, row, 0);

    if (!id)
        return;
    job->found = true;
    snprintf(job->id, sizeof job->id, "%s", id);
    job->status = mem_strdup(db_value(r, row, 1));
    job->attempt = db_number(r, row, 2);
    job->max_attempts = db_number(r, row, 3);
    job->provider = mem_strdup(db_value(r, row, 4));
    job->url = mem_strdup_or_null(db_value(r, row, 5));
    job->options = mem_strdup_or_null(db_value(r, row, 6));
}

static void on_loaded(const struct db_result *result, void *arg)
{
    struct job_loader *l = arg;
    struct entry *e;

    if (db_result_status(result) != DB_OK) {
        if (db_result_status(result) != DB_LOST)
            log_error(LOG_WITH({ "sqlstate", db_result_sqlstate(result) }),
                      "could not load jobs: %s", db_result_error(result));
        entry_queue_prepend(&l->waiting, &l->asked);
        loop_timer_start(l->timer, RETRY_MS);
        return;
    }
    for (size_t row = 0; (e = entry_queue_pop(&l->asked)); row++) {
        fill(&e->job, result, row);
        l->fn(e, l->arg);
    }
    if (l->waiting.count > 0)
        loop_timer_start(l->timer, 0);
}

static void add_parameters(struct job_loader *l, const struct entry *e)
{
    const char *own = e->fields.job ? e->fields.job : e->event.own_job;
    const char *theirs = e->event.provider_job;
    bool known = own != NULL;
    bool adopts = e->adopt && !known && theirs && e->event.page_url;

    l->all_own = l->all_own && (known || !theirs);
    l->any_adopts = l->any_adopts || adopts;
    /* a provider that numbers its jobs by UUID may as well have used ours */
    if (!own && theirs && uuid_is_valid(theirs))
        own = theirs;
    db_array_add(&l->ids, own);
    db_array_add(&l->submits, e->kind == ENTRY_SUBMIT ? "t" : "f");
    db_array_add(&l->providers, e->fields.provider);
    db_array_add(&l->provider_jobs, known ? NULL : theirs);
    db_array_add(&l->page_urls, adopts ? e->event.page_url : NULL);
}

static void ask(void *arg)
{
    struct job_loader *l = arg;
    struct entry *e;

    if (l->asked.count > 0)
        return;
    l->all_own = true;
    l->any_adopts = false;
    db_array_begin(&l->ids);
    db_array_begin(&l->submits);
    db_array_begin(&l->page_urls);
    db_array_begin(&l->providers);
    db_array_begin(&l->provider_jobs);
    while (l->asked.count < LOAD_MAX && (e = entry_queue_pop(&l->waiting))) {
        add_parameters(l, e);
        entry_queue_push(&l->asked, e);
    }
    if (l->asked.count == 0)
        return;
    db_array_end(&l->ids);
    db_array_end(&l->submits);
    db_array_end(&l->page_urls);
    db_array_end(&l->providers);
    db_array_end(&l->provider_jobs);
    if (l->any_adopts)
        db_call(l->db, &adopt,
                (const char *const[]){ l->providers.data, l->provider_jobs.data,
                                       l->page_urls.data },
                3, NULL, NULL);
    db_call(l->db, l->all_own ? &by_id : &by_either_id,
            (const char *const[]){ l->ids.data, l->submits.data,
                                   l->providers.data, l->provider_jobs.data },
            l->all_own ? 2 : 4, on_loaded, l);
}

struct job_loader *job_loader_new(struct loop *loop, struct db *db,
                                  job_loaded_fn *fn, void *arg)
{
    struct job_loader *l = mem_zalloc(sizeof *l);

    *l = (struct job_loader){ .db = db, .fn = fn, .arg = arg };
    l->timer = loop_timer_new(loop, ask, l);
    buf_init(&l->ids, PARAMETER_MAX_BYTES);
    buf_init(&l->page_urls, PARAMETER_MAX_BYTES);
    buf_init(&l->submits, PARAMETER_MAX_BYTES);
    buf_init(&l->providers, PARAMETER_MAX_BYTES);
    buf_init(&l->provider_jobs, PARAMETER_MAX_BYTES);
    return l;
}

void job_loader_free(struct job_loader *l)
{
    if (!l)
        return;
    loop_timer_free(l->timer);
    buf_release(&l->ids);
    buf_release(&l->page_urls);
    buf_release(&l->submits);
    buf_release(&l->providers);
    buf_release(&l->provider_jobs);
    free(l);
}

void job_loader_add(struct job_loader *l, struct entry *e)
{
    entry_queue_push(&l->waiting, e);
    if (l->asked.count == 0 && !loop_timer_running(l->timer))
        loop_timer_start(l->timer, 0);
}
