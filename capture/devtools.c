#include "capture/devtools.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/json_put.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"

struct call {
    struct call *next;
    int64_t id;
    devtools_fn *fn; /* NULL: nobody waits for it any more */
    void *arg;
};

struct listener {
    struct listener *next;
    char *session; /* NULL: the browser */
    devtools_event_fn *fn;
    void *arg;
};

struct devtools {
    const char *const *events;
    devtools_send_fn *send;
    void *arg;
    int64_t last_id;
    struct call *calls; /* in flight: a few dozen */
    struct listener *listeners;
};

struct devtools *devtools_new(const char *const *events, devtools_send_fn *send,
                              void *arg)
{
    struct devtools *d = mem_zalloc(sizeof *d);

    d->events = events;
    d->send = send;
    d->arg = arg;
    return d;
}

void devtools_clear(struct devtools *d)
{
    while (d->calls) {
        struct call *call = d->calls;

        d->calls = call->next;
        free(call);
    }
    while (d->listeners) {
        struct listener *l = d->listeners;

        d->listeners = l->next;
        free(l->session);
        free(l);
    }
}

void devtools_free(struct devtools *d)
{
    if (!d)
        return;
    devtools_clear(d);
    free(d);
}

void devtools_call(struct devtools *d, const char *session, const char *method,
                   struct json_object *params, devtools_fn *fn, void *arg)
{
    struct json_object *message = json_object_new_object();
    const char *text = NULL;
    size_t len = 0;

    put_number(message, "id", ++d->last_id);
    put_text(message, "method", method);
    if (params)
        put_value(message, "params", params);
    if (session)
        put_text(message, "sessionId", session);
    if (fn) {
        struct call *call = mem_zalloc(sizeof *call);

        *call = (struct call){ d->calls, d->last_id, fn, arg };
        d->calls = call;
    }
    text = json_compact(message, &len);
    d->send(text, len, d->arg);
    json_object_put(message);
}

void devtools_listen(struct devtools *d, const char *session,
                     devtools_event_fn *fn, void *arg)
{
    struct listener *l = mem_zalloc(sizeof *l);

    *l =
        (struct listener){ d->listeners, mem_strdup_or_null(session), fn, arg };
    d->listeners = l;
}

void devtools_forget(struct devtools *d, const void *arg)
{
    for (struct call *call = d->calls; call; call = call->next) {
        if (call->arg == arg)
            call->fn = NULL; /* its answer is still to come */
    }
    for (struct listener **l = &d->listeners; *l;) {
        struct listener *gone = *l;

        if (gone->arg != arg) {
            l = &gone->next;
            continue;
        }
        *l = gone->next;
        free(gone->session);
        free(gone);
    }
}

/* The callback may do anything but free `d`. */
static void answer(struct devtools *d, int64_t id, struct json_object *result,
                   const char *error)
{
    for (struct call **c = &d->calls; *c; c = &(*c)->next) {
        struct call *call = *c;

        if (call->id != id)
            continue;
        *c = call->next;
        if (call->fn)
            call->fn(result, error, call->arg);
        free(call);
        return;
    }
}

static void deliver(struct devtools *d, const char *session, const char *method,
                    struct json_object *params)
{
    for (struct listener *l = d->listeners; l; l = l->next) {
        if (session ? l->session && strcmp(session, l->session) == 0
                    : l->session == NULL) {
            l->fn(method, params, l->arg);
            return; /* `l` may be gone */
        }
    }
}

/* Chromium writes "id" or "method" first.  A page makes it send thousands of
 * events, most of which nobody looks at. */
static bool is_wanted(const struct devtools *d, const char *ptr)
{
    static const char event[] = "{\"method\":\"";
    const char *method = ptr + strlen(event);

    if (strncmp(ptr, event, strlen(event)) != 0)
        return true;
    for (size_t i = 0; d->events[i]; i++) {
        size_t len = strlen(d->events[i]);

        if (strncmp(method, d->events[i], len) == 0 && method[len] == '"')
            return true;
    }
    return false;
}

void devtools_take(struct devtools *d, const char *ptr, size_t len, bool cut)
{
    struct json_object *message = NULL;
    struct json_object *result = NULL;
    const char *method = NULL;
    char error[LIMIT_ERROR_BYTES];
    int64_t id = -1;

    if (cut) {
        if (sscanf(ptr, "{\"id\":%" SCNd64, &id) == 1)
            answer(d, id, NULL, "the answer is too large");
        return;
    }
    if (!is_wanted(d, ptr))
        return;
    message = json_parse(ptr, len, error, sizeof error);
    if (!message) {
        log_debug(NULL, "ignored a message from Chromium: %s", error);
        return;
    }
    id = json_number(message, "id", -1);
    method = json_text(message, "method");
    if (id >= 0) {
        result = json_at(message, "result");
        answer(d, id, result,
               result ? NULL
               : json_text(message, "error.message")
                   ? json_text(message, "error.message")
                   : "no result");
    } else if (method && json_at(message, "params")) {
        deliver(d, json_text(message, "sessionId"), method,
                json_at(message, "params"));
    }
    json_object_put(message);
}
