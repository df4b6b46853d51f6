/* studio.h - takes jobs one after the other, has them captured, delivers.
 *
 * The queue's other end: whenever there is a tab and fewer than `concurrency`
 * shots are under way, the oldest queued job gets a shot.  Its result goes to
 * the waiting client, or onto the disk and into a webhook.
 */
#ifndef STUDIO_H
#define STUDIO_H

#include "capture/browser.h"
#include "capture/filter_proxy.h"
#include "capture/jobs.h"
#include "capture/pictures.h"
#include "capture/webhooks.h"
#include "common/loop.h"
#include "common/metrics.h"

struct studio;

/* Borrowed, except the browser's options, which are copied; its callback is the
 * studio's. */
struct studio_options {
    struct browser_options browser;
    const struct filter_proxy *proxy;
    struct pictures *pictures;
    struct webhooks *webhooks;
    struct metrics *metrics;
    const char *public_url; /* of the pictures, without a final slash */
    unsigned concurrency;
    size_t queue_max;
};

/* Finds the pictures of earlier runs again and starts Chromium. */
struct studio *studio_new(struct loop *loop,
                          const struct studio_options *options);
void studio_free(struct studio *s); /* accepts NULL; waits for Chromium's end */

/* Queues a job and takes its options.  NULL when the queue is full (or the
 * studio is closing): `retry_after_s` then says when to come again.  `reply` is
 * NULL for an asynchronous job; it runs once, never from inside this call. */
struct job *studio_submit(struct studio *s, struct shot_options *options,
                          job_reply_fn *reply, void *arg,
                          unsigned *retry_after_s);
struct job *studio_find(const struct studio *s, const char *id);
/* "PUBLIC_URL/images/ID.EXT"; the caller frees it. */
char *studio_picture_url(const struct studio *s, const struct job *job);
/* Bytes of a completed job's picture; -1 with errno. */
MUST_USE int studio_picture(const struct studio *s, const struct job *job,
                            size_t *len);

/* Takes no more; queued jobs fail, shots and webhooks go on. */
void studio_close(struct studio *s);
bool studio_is_idle(const struct studio *s);
/* Why nothing can be captured now, in words; NULL when all is well. */
const char *studio_trouble(const struct studio *s);

#endif
