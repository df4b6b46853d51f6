#include "capture/tab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "capture/json_put.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"

struct tab {
    struct devtools *devtools;
    struct tab_owner owner;
    struct tab_user user; /* all NULL until it has one */
    enum tab_state state;
    int64_t since_ms;
    char *context; /* ids that Chromium gave, NULL until it did */
    char *target;
    char *session;
};

const char *const tab_events[] = {
    "Inspector.targetCrashed",
    "Network.loadingFailed",
    "Network.requestWillBeSent",
    "Network.responseReceived",
    "Page.javascriptDialogOpening",
    "Page.lifecycleEvent",
    NULL,
};

static void enter(struct tab *t, enum tab_state state)
{
    assert(state == t->state + 1);
    t->state = state;
    t->since_ms = clock_monotonic_ms();
}

static void on_event(const char *method, struct json_object *params, void *arg)
{
    struct tab *t = arg;

    if (strcmp(method, "Inspector.targetCrashed") == 0)
        tab_lose(t, "the page crashed");
    else if (t->user.event)
        t->user.event(method, params, t->user.arg);
}

/* The answer to the last call of the opening: all before it were answered. */
static void on_enabled(struct json_object *result, const char *error, void *arg)
{
    struct tab *t = arg;

    (void)result;
    if (error) {
        t->owner.broken(t, error, t->owner.arg);
        return;
    }
    enter(t, TAB_READY);
    t->owner.ready(t, t->owner.arg);
}

static void on_attached(struct json_object *result, const char *error,
                        void *arg)
{
    struct tab *t = arg;
    struct json_object *on = json_object_new_object();
    struct json_object *little = json_object_new_object();

    t->session = mem_strdup_or_null(json_text(result, "sessionId"));
    put_bool(on, "enabled", true);
    /* Bodies are not asked for. */
    put_number(little, "maxTotalBufferSize", 0);
    put_number(little, "maxResourceBufferSize", 0);
    if (!t->session) {
        json_object_put(on);
        json_object_put(little);
        t->owner.broken(t, error ? error : "no session", t->owner.arg);
        return;
    }
    devtools_listen(t->devtools, t->session, on_event, t);
    tab_call(t, "Inspector.enable", NULL, NULL, t);
    tab_call(t, "Page.enable", NULL, NULL, t);
    tab_call(t, "Network.enable", little, NULL, t);
    tab_call(t, "Page.setLifecycleEventsEnabled", on, on_enabled, t);
}

static void on_target(struct json_object *result, const char *error, void *arg)
{
    struct tab *t = arg;
    struct json_object *params = NULL;

    t->target = mem_strdup_or_null(json_text(result, "targetId"));
    if (!t->target) {
        t->owner.broken(t, error ? error : "no target", t->owner.arg);
        return;
    }
    params = object_with_text("targetId", t->target);
    put_bool(params, "flatten", true);
    devtools_call(t->devtools, NULL, "Target.attachToTarget", params,
                  on_attached, t);
}

static void on_context(struct json_object *result, const char *error, void *arg)
{
    struct tab *t = arg;

    t->context = mem_strdup_or_null(json_text(result, "browserContextId"));
    if (!t->context) {
        t->owner.broken(t, error ? error : "no context", t->owner.arg);
        return;
    }
    tab_call_context(t, "Browser.setDownloadBehavior",
                     object_with_text("behavior", "deny"), NULL, t);
    tab_call_context(t, "Target.createTarget",
                     object_with_text("url", "about:blank"), on_target, t);
}

struct tab *tab_open(struct devtools *d, const struct tab_owner *owner)
{
    struct tab *t = mem_zalloc(sizeof *t);

    t->devtools = d;
    t->owner = *owner;
    t->since_ms = clock_monotonic_ms();
    devtools_call(d, NULL, "Target.createBrowserContext", NULL, on_context, t);
    return t;
}

void tab_close(struct tab *t, bool chromium_is_there)
{
    tab_forget(t);
    devtools_forget(t->devtools, t);
    if (chromium_is_there && t->context)
        tab_call_context(t, "Target.disposeBrowserContext",
                         json_object_new_object(), NULL, NULL);
    free(t->context);
    free(t->target);
    free(t->session);
    free(t);
}

void tab_lose(struct tab *t, const char *why)
{
    struct tab_user user = t->user;

    if (t->state != TAB_USED) {
        t->owner.broken(t, why, t->owner.arg);
        return;
    }
    tab_forget(t);
    if (user.lost)
        user.lost(why, user.arg);
}

enum tab_state tab_state(const struct tab *t)
{
    return t->state;
}

int64_t tab_since_ms(const struct tab *t)
{
    return t->since_ms;
}

void tab_use(struct tab *t, const struct tab_user *user)
{
    enter(t, TAB_USED);
    t->user = *user;
}

void tab_call(struct tab *t, const char *method, struct json_object *params,
              devtools_fn *fn, void *arg)
{
    devtools_call(t->devtools, t->session, method, params, fn, arg);
}

void tab_call_context(struct tab *t, const char *method,
                      struct json_object *params, devtools_fn *fn, void *arg)
{
    put_text(params, "browserContextId", t->context);
    devtools_call(t->devtools, NULL, method, params, fn, arg);
}

void tab_forget(struct tab *t)
{
    if (t->user.arg)
        devtools_forget(t->devtools, t->user.arg);
    t->user = (struct tab_user){ .event = NULL };
}

void tab_forget_calls(struct tab *t, const void *arg)
{
    devtools_forget(t->devtools, arg);
}

const char *tab_frame(const struct tab *t)
{
    return t->target; /* Chromium gives both the same id */
}
