/* browser.h - a Chromium that is always there, with empty tabs ready.
 *
 * Starts Chromium, replaces it (with back-off) when it has ended or no longer
 * answers, and opens a few tabs in advance: a new browser context takes about
 * as long as a small page.
 */
#ifndef BROWSER_H
#define BROWSER_H

#include "capture/tab.h"
#include "common/base.h"
#include "common/loop.h"

struct browser;

struct browser_options {
    const char *program; /* Chromium's path */
    const char *dir;     /* its profile is made in there */
    bool sandbox;
    uint16_t proxy_port;
    unsigned ready_tabs; /* how many to have in advance */
    /* There may be a tab, or Chromium has once more failed to start. */
    loop_fn *changed;
    void *arg;
};

/* Texts are borrowed.  Chromium is started by the loop. */
struct browser *browser_new(struct loop *loop,
                            const struct browser_options *options);
/* The tabs must have been given back.  Waits for Chromium to be gone. */
void browser_free(struct browser *b); /* accepts NULL */

/* A tab for one capture; NULL when there is none ready.  It is the user's until
 * given back, which has to happen at the latest from inside `lost`. */
struct tab *browser_take(struct browser *b, const struct tab_user *user);
void browser_give_back(struct browser *b, struct tab *t);

bool browser_is_up(const struct browser *b);
/* How often in a row Chromium has ended before it had opened a tab. */
unsigned browser_failed_starts(const struct browser *b);
unsigned browser_starts(const struct browser *b);      /* ever */
const char *browser_last_end(const struct browser *b); /* in words, or "" */

#endif
