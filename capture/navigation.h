/* navigation.h - getting a tab to show the page that was asked for.
 *
 * Starts the load, follows the page through redirects, and tells when it has
 * arrived: the load event has come, and a quiet network where that is wanted.
 * Chromium gives up on everything under way when a network interface of the
 * machine comes or goes; then the page is loaded again.
 */
#ifndef NAVIGATION_H
#define NAVIGATION_H

#include "capture/document.h"
#include "capture/shot_options.h"
#include "capture/tab.h"

/* Once, unless there is nothing left to tell: FAILURE_NONE when it is there. */
typedef void navigation_fn(const struct fault *fault, void *arg);

struct navigation {
    struct tab *tab;
    const struct filter_proxy *proxy;
    const struct shot_options *options;
    navigation_fn *done; /* NULL once it was called */
    void *arg;
    struct document document;
    bool answered; /* Chromium has answered the call that loads the page */
    unsigned reloads;
};

/* Keeps the pointers; `done` never runs from inside this call. */
void navigation_start(struct navigation *n, struct tab *tab,
                      const struct filter_proxy *proxy,
                      const struct shot_options *options, navigation_fn *done,
                      void *arg);
/* `done` does not run any more. */
void navigation_stop(struct navigation *n);

/* Every event of the tab, until its end; `done` may run. */
void navigation_event(struct navigation *n, const char *method,
                      struct json_object *params);
/* Is it still the page that was asked for?  Pages go elsewhere by themselves.
 */
MUST_USE int navigation_check(const struct navigation *n, struct fault *fault);

#endif
