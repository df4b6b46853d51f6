/* applier.h - what has to be done for an entry before its result can be
 * recorded.
 *
 * One road for submissions, webhooks and the poller's answers: load the job,
 * judge the entry against it, call the provider or fetch the picture where that
 * is still of use, hand the result to the recorder.
 */
#ifndef APPLIER_H
#define APPLIER_H

#include "common/db.h"
#include "common/http_client.h"
#include "common/provider.h"
#include "worker/pace.h"
#include "worker/recorder.h"

struct applier;

struct applier_options {
    struct db *db;
    struct http_client *http;
    const struct providers *providers;
    struct store *store;
    struct recorder *recorder;
    struct paces *paces;
    struct metrics *metrics;
    int64_t fetch_timeout_ms;       /* of one picture */
    const char *webhook_url;        /* borrowed; no trailing slash */
    const struct secret *token_key; /* NULL: webhook URLs get no token */
};

struct applier *applier_new(struct loop *loop,
                            const struct applier_options *options);
void applier_free(struct applier *a); /* accepts NULL */

/* A consumer_fn: takes an entry that was just read. */
void applier_take(struct entry *e, void *arg);

#endif
