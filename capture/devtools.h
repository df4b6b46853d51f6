/* devtools.h - the DevTools protocol: calls, answers, events.
 *
 * Sessions are flattened: every message about a page carries the session's id.
 * Who it is that calls or listens is told by `arg`; devtools_forget(arg) is the
 * way to stop being told anything.
 */
#ifndef DEVTOOLS_H
#define DEVTOOLS_H

#include <json-c/json.h>

#include "common/base.h"

struct devtools;

/* `result` is borrowed and NULL when `error` is not, which is Chromium's own
 * message or says that the answer was too large. */
typedef void devtools_fn(struct json_object *result, const char *error,
                         void *arg);
/* `params` is borrowed, never NULL. */
typedef void devtools_event_fn(const char *method, struct json_object *params,
                               void *arg);
typedef void devtools_send_fn(const char *ptr, size_t len, void *arg);

/* `send` passes a message to Chromium.  `events` (borrowed, ended by NULL) are
 * the methods of the events that anybody wants; all others are dropped before
 * they cost a parse. */
struct devtools *devtools_new(const char *const *events, devtools_send_fn *send,
                              void *arg);
/* Outstanding callbacks do not run. */
void devtools_free(struct devtools *d); /* accepts NULL */

/* A message from Chromium (message_fn). */
void devtools_take(struct devtools *d, const char *ptr, size_t len, bool cut);

/* `session` NULL: to the browser itself.  Takes `params`, which may be NULL.
 * `fn` may be NULL. */
void devtools_call(struct devtools *d, const char *session, const char *method,
                   struct json_object *params, devtools_fn *fn, void *arg);
/* Events of a session, or of none when `session` is NULL. */
void devtools_listen(struct devtools *d, const char *session,
                     devtools_event_fn *fn, void *arg);
/* No callback with this `arg` runs any more. */
void devtools_forget(struct devtools *d, const void *arg);
/* Chromium is gone: nothing will be answered, there are no sessions left. */
void devtools_clear(struct devtools *d);

#endif
