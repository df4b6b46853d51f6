/* shot.h - one capture, from an empty tab to the bytes of a picture.
 *
 * A state machine over DevTools calls.  It ends exactly once: with a picture,
 * or with a fault in the contract's words; at the latest when its timeout is
 * over.
 */
#ifndef SHOT_H
#define SHOT_H

#include "capture/browser.h"
#include "capture/failure.h"
#include "capture/filter_proxy.h"
#include "capture/shot_options.h"
#include "common/image.h"
#include "common/loop.h"

struct shot;

struct shot_result {
    struct fault fault; /* FAILURE_NONE: there is a picture */
    const char *ptr;    /* borrowed; NULL when it failed */
    size_t len;
    struct image image;
    bool truncated; /* the page was taller than the tallest picture */
};

struct shot_owner {
    void (*loaded)(void *arg); /* the page has arrived; at most once */
    /* The last call; the owner frees the shot in it or later. */
    void (*done)(const struct shot_result *result, void *arg);
    void *arg;
};

/* Takes a tab, or returns NULL when none is ready.  `options` stay the caller's
 * and must outlive the shot.  No callback runs from inside this call. */
struct shot *shot_start(struct loop *loop, struct browser *browser,
                        const struct filter_proxy *proxy,
                        const struct shot_options *options,
                        const struct shot_owner *owner);
/* Ends it without a word when it is not over yet. */
void shot_free(struct shot *s); /* accepts NULL */

#endif
