/* webhooks.h - telling the client's server what became of its job.
 *
 * Signed as Screenshotly signs (X-Screenshotly-Signature over
 * "<timestamp>.<body>").  What could not be delivered is tried again a few
 * times, then given up: the client can always ask for the status.
 */
#ifndef WEBHOOKS_H
#define WEBHOOKS_H

#include "common/base.h"
#include "common/digest.h"
#include "common/http_client.h"
#include "common/loop.h"
#include "common/metrics.h"

struct webhooks;

struct webhooks_options {
    struct http_client *client;
    struct metrics *metrics;
    struct secret key;       /* len 0: webhooks are not signed */
    const char *trusted_url; /* the one origin that no guard looks at, or "" */
};

/* All borrowed. */
struct webhooks *webhooks_new(struct loop *loop,
                              const struct webhooks_options *options);
/* Deliveries under way are given up.  Before the client is freed. */
void webhooks_free(struct webhooks *w); /* accepts NULL */

enum webhook_kind {
    WEBHOOK_RESULT,   /* tried up to WEBHOOK_ATTEMPTS times */
    WEBHOOK_PROGRESS, /* tried once: the next one says more */
};

enum { WEBHOOK_ATTEMPTS = 5 };

/* Copies everything. */
void webhooks_send(struct webhooks *w, enum webhook_kind kind, const char *url,
                   const char *job_id, const char *body, size_t len);
size_t webhooks_under_way(const struct webhooks *w);

#endif
