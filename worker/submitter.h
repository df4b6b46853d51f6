/* submitter.h - hands captures to their providers, no faster than those bear.
 *
 * A provider that is busy, down, or refuses our key is left alone; its captures
 * are put off, which costs no attempt.  So are those beyond the limits in its
 * profile, unless their turn comes within a moment.
 */
#ifndef SUBMITTER_H
#define SUBMITTER_H

#include "common/digest.h"
#include "common/http_client.h"
#include "common/metrics.h"
#include "common/provider.h"
#include "worker/entry.h"
#include "worker/pace.h"

struct submitter;

/* Both take the entry.  A result is set, or the answer is the picture. */
typedef void submitted_fn(struct entry *e, void *arg);
typedef void pictured_fn(struct entry *e, const struct http_answer *answer,
                         void *arg);

struct submitter_options {
    struct loop *loop;
    struct http_client *http;
    const struct providers *providers;
    struct paces *paces;
    struct metrics *metrics;
    const char *webhook_url;        /* borrowed; no trailing slash */
    const struct secret *token_key; /* NULL: webhook URLs get no token */
    submitted_fn *submitted;
    pictured_fn *pictured;
    void *arg;
};

struct submitter *submitter_new(const struct submitter_options *options);
/* After the http client.  Accepts NULL. */
void submitter_free(struct submitter *s);

/* An entry whose job was found.  `submitted` may run before this returns. */
void submitter_take(struct submitter *s, struct entry *e);

#endif
