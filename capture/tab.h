/* tab.h - one page in a browser context of its own.
 *
 * A tab is used for one capture and then thrown away with its context, so that
 * no cookie, cache entry or service worker of one capture is seen by another.
 */
#ifndef TAB_H
#define TAB_H

#include "capture/devtools.h"

struct tab;

enum tab_state {
    TAB_OPENING, /* context, target and session are being made */
    TAB_READY,   /* an empty page is waiting for its capture */
    TAB_USED,    /* somebody has it */
};

/* Who owns the tab and hears of its changes: the browser. */
struct tab_owner {
    void (*ready)(struct tab *t, void *arg);
    void (*broken)(struct tab *t, const char *why, void *arg); /* not opened */
    void *arg;
};

/* Who uses it.  `lost` is the last call: the page has crashed, or Chromium is
 * gone.  It must give the tab back. */
struct tab_user {
    devtools_event_fn *event;
    void (*lost)(const char *why, void *arg);
    void *arg;
};

/* The events that a tab listens to, for devtools_new(). */
extern const char *const tab_events[];

/* life cycle: the browser's */
struct tab *tab_open(struct devtools *d, const struct tab_owner *owner);
/* Throws the context away, if Chromium is still there to be asked. */
void tab_close(struct tab *t, bool chromium_is_there);
void tab_lose(struct tab *t, const char *why);
enum tab_state tab_state(const struct tab *t);
int64_t tab_since_ms(const struct tab *t); /* when it got into that state */

/* use */
void tab_use(struct tab *t, const struct tab_user *user);
/* See devtools_call(). */
void tab_call(struct tab *t, const char *method, struct json_object *params,
              devtools_fn *fn, void *arg);
/* To the browser, with the context's id added to the parameters. */
void tab_call_context(struct tab *t, const char *method,
                      struct json_object *params, devtools_fn *fn, void *arg);
/* The user hears nothing any more, neither events nor answers. */
void tab_forget(struct tab *t);
/* Calls made with this `arg` will not be answered. */
void tab_forget_calls(struct tab *t, const void *arg);
const char *tab_frame(const struct tab *t); /* id of the main frame */

#endif
