#include "capture/shot.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/emulation.h"
#include "capture/json_put.h"
#include "capture/navigation.h"
#include "capture/page_script.h"
#include "capture/picture_area.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/signature.h"

/* In this order; those that the options don't ask for are skipped. */
enum shot_state {
    SHOT_PREPARING, /* the tab is made to look as the options say */
    SHOT_LOADING,   /* until the load event, and a quiet network if wanted */
    SHOT_SCRIPTING, /* the request's own javascript runs */
    SHOT_ARRANGING, /* css, hiding, scrolling, waiting for a selector */
    SHOT_RESTING,   /* the delay */
    SHOT_MEASURING, /* how large the page is, where the element is */
    SHOT_TAKING,    /* Chromium makes the picture */
    SHOT_OVER,      /* the owner has been told */
};

static const char *const state_names[] = {
    [SHOT_PREPARING] = "preparing the tab",
    [SHOT_LOADING] = "loading the page",
    [SHOT_SCRIPTING] = "running the javascript",
    [SHOT_ARRANGING] = "waiting for the page",
    [SHOT_RESTING] = "waiting for the delay",
    [SHOT_MEASURING] = "measuring the page",
    [SHOT_TAKING] = "taking the picture",
    [SHOT_OVER] = "over",
};

struct shot {
    struct browser *browser;
    struct tab *tab; /* NULL once given back */
    const struct filter_proxy *proxy;
    const struct shot_options *options;
    struct shot_owner owner;
    enum shot_state state;
    struct navigation navigation;
    struct loop_timer *deadline;
    struct loop_timer *rest;
    struct picture_area area;
    char *script; /* waiting for its world */
    devtools_fn *script_done;
};

static void enter(struct shot *s, enum shot_state state)
{
    assert(s->state != SHOT_OVER);
    assert(state == s->state + 1 || state == SHOT_OVER);
    s->state = state;
}

static void leave_tab(struct shot *s)
{
    navigation_stop(&s->navigation);
    tab_forget(s->tab);
    browser_give_back(s->browser, s->tab);
    s->tab = NULL;
}

static void finish(struct shot *s, const struct shot_result *result)
{
    enter(s, SHOT_OVER);
    loop_timer_stop(s->deadline);
    loop_timer_stop(s->rest);
    leave_tab(s);
    s->owner.done(result, s->owner.arg); /* may free `s` */
}

static void fail_with(struct shot *s, const struct fault *fault)
{
    const struct shot_result result = { .fault = *fault };

    finish(s, &result);
}

PRINTF_LIKE(3, 4)
static void fail(struct shot *s, enum failure failure, const char *fmt, ...)
{
    struct fault fault = { .failure = failure };
    va_list args;

    va_start(args, fmt);
    vsnprintf(fault.message, sizeof fault.message, fmt, args);
    va_end(args);
    fail_with(s, &fault);
}

/* A script in a world of its own: first the world, then the script. */

static struct json_object *evaluation(const char *script)
{
    struct json_object *params = object_with_text("expression", script);

    put_bool(params, "awaitPromise", true);
    put_bool(params, "returnByValue", true);
    return params;
}

static void on_world(struct json_object *result, const char *error, void *arg)
{
    struct shot *s = arg;
    int64_t world = json_number(result, "executionContextId", -1);
    struct json_object *params = evaluation(s->script);

    free(s->script);
    s->script = NULL;
    put_number(params, "contextId", world);
    if (error) {
        json_object_put(params);
        fail(s, FAILURE_CAPTURE, "could not run a script: %s", error);
        return;
    }
    tab_call(s->tab, "Runtime.evaluate", params, s->script_done, s);
}

/* Takes `script`. */
static void run_apart(struct shot *s, char *script, devtools_fn *done)
{
    struct json_object *params = object_with_text("frameId", tab_frame(s->tab));

    s->script = script;
    s->script_done = done;
    put_text(params, "worldName", "shotfleet");
    tab_call(s->tab, "Page.createIsolatedWorld", params, on_world, s);
}

static void go_on(struct shot *s);

/* taking */

static void on_picture(struct json_object *answer, const char *error, void *arg)
{
    struct shot *s = arg;
    struct shot_result result = { .truncated = s->area.truncated };
    const char *text = json_text(answer, "data");
    uint8_t *bytes = NULL;

    if (text)
        bytes = base64_decode(text, strlen(text), &result.len);
    result.ptr = (const char *)bytes;
    if (!bytes || image_read(&result.image, result.ptr, result.len) != 0 ||
        result.image.type != s->options->format) {
        result.ptr = NULL;
        fault_set(&result.fault, FAILURE_CAPTURE,
                  "Chromium made no picture: %s",
                  error ? error : "it is not of the format asked for");
    }
    finish(s, &result);
    free(bytes);
}

static void take(struct shot *s)
{
    if (s->options->format == IMAGE_PDF)
        tab_call(s->tab, "Page.printToPDF", pdf_params(&s->options->pdf),
                 on_picture, s);
    else
        tab_call(s->tab, "Page.captureScreenshot",
                 picture_params(s->options, &s->area), on_picture, s);
}

/* measuring */

static void on_metrics(struct json_object *result, const char *error, void *arg)
{
    struct shot *s = arg;

    if (error) {
        fail(s, FAILURE_CAPTURE, "could not measure the page: %s", error);
        return;
    }
    picture_area_of_page(&s->area, s->options, result);
    go_on(s);
}

static void on_found(struct json_object *result, const char *error, void *arg)
{
    struct shot *s = arg;
    struct json_object *place = json_at(result, "result.value");

    if (error || !place) {
        fail(s, FAILURE_CAPTURE, "could not find the selector: %s",
             error ? error : "the script failed");
    } else if (json_text(place, "bad")) {
        fail(s, FAILURE_INVALID_REQUEST, "selector is not valid CSS");
    } else if (!json_at(place, "width")) {
        fail(s, FAILURE_SELECTOR_NOT_FOUND,
             "nothing visible on the page matches selector");
    } else {
        picture_area_of_element(&s->area, s->options, place);
        go_on(s);
    }
}

static void measure(struct shot *s)
{
    struct fault fault;

    /* The delay is over: is it still the page that was asked for? */
    if (navigation_check(&s->navigation, &fault) != 0)
        fail_with(s, &fault);
    else if (s->options->selector)
        run_apart(s, page_script_find(s->options->selector), on_found);
    else if (s->options->full_page && s->options->clip.width == 0)
        tab_call(s->tab, "Page.getLayoutMetrics", NULL, on_metrics, s);
    else
        go_on(s);
}

/* resting */

static void on_rested(void *arg)
{
    go_on(arg);
}

static void rest(struct shot *s)
{
    if (s->options->delay_ms > 0)
        loop_timer_start(s->rest, s->options->delay_ms);
    else
        go_on(s);
}

/* arranging */

static void on_arranged(struct json_object *result, const char *error,
                        void *arg)
{
    struct shot *s = arg;
    const char *bad = json_text(result, "result.value.bad");

    if (error || !json_at(result, "result.value"))
        fail(s, FAILURE_CAPTURE, "could not arrange the page: %s",
             error ? error : "the script failed");
    else if (bad)
        fail(s, FAILURE_INVALID_REQUEST, "\"%s\" is not a valid CSS selector",
             bad);
    else
        go_on(s);
}

static void arrange(struct shot *s)
{
    if (page_script_arrange_needed(s->options))
        run_apart(s, page_script_arrange(s->options), on_arranged);
    else
        go_on(s);
}

/* scripting */

static void on_scripted(struct json_object *result, const char *error,
                        void *arg)
{
    struct shot *s = arg;
    const char *thrown =
        json_text(result, "exceptionDetails.exception.description");

    if (error)
        fail(s, FAILURE_CAPTURE, "could not run the javascript: %s", error);
    else if (json_at(result, "exceptionDetails"))
        fail(s, FAILURE_INVALID_REQUEST, "javascript failed: %s",
             thrown ? thrown : "it threw");
    else
        go_on(s);
}

static void run_script(struct shot *s)
{
    if (s->options->javascript)
        tab_call(s->tab, "Runtime.evaluate", evaluation(s->options->javascript),
                 on_scripted, s);
    else
        go_on(s);
}

/* loading */

static void on_arrived(const struct fault *fault, void *arg)
{
    struct shot *s = arg;

    if (fault->failure != FAILURE_NONE) {
        fail_with(s, fault);
        return;
    }
    s->owner.loaded(s->owner.arg);
    go_on(s);
}

static void load(struct shot *s)
{
    navigation_start(&s->navigation, s->tab, s->proxy, s->options, on_arrived,
                     s);
}

/* preparing */

static void on_timezone(struct json_object *result, const char *error,
                        void *arg)
{
    struct shot *s = arg;

    (void)result;
    if (error)
        fail(s, FAILURE_INVALID_REQUEST, "timezone \"%s\" is not known",
             s->options->timezone);
}

static void on_cookies(struct json_object *result, const char *error, void *arg)
{
    struct shot *s = arg;

    (void)result;
    if (error)
        fail(s, FAILURE_INVALID_REQUEST, "cookies were refused: %s", error);
    else
        go_on(s);
}

static void prepare(struct shot *s)
{
    const struct shot_options *o = s->options;
    struct json_object *params = NULL;

    emulate(s->tab, o);
    if (o->timezone)
        tab_call(s->tab, "Emulation.setTimezoneOverride",
                 object_with_text("timezoneId", o->timezone), on_timezone, s);
    if (!o->cookies) {
        go_on(s); /* calls are answered in order: no need to wait */
        return;
    }
    params = json_object_new_object();
    put_value(params, "cookies", json_object_get(o->cookies));
    tab_call(s->tab, "Network.setCookies", params, on_cookies, s);
}

static void go_on(struct shot *s)
{
    static void (*const steps[])(struct shot *) = {
        [SHOT_LOADING] = load,      [SHOT_SCRIPTING] = run_script,
        [SHOT_ARRANGING] = arrange, [SHOT_RESTING] = rest,
        [SHOT_MEASURING] = measure, [SHOT_TAKING] = take,
    };

    enter(s, s->state + 1);
    steps[s->state](s);
}

static void on_event(const char *method, struct json_object *params, void *arg)
{
    struct shot *s = arg;
    struct json_object *no = NULL;

    if (strcmp(method, "Page.javascriptDialogOpening") == 0) {
        no = json_object_new_object();
        put_bool(no, "accept", false);
        tab_call(s->tab, "Page.handleJavaScriptDialog", no, NULL, NULL);
        return;
    }
    navigation_event(&s->navigation, method, params);
}

static void on_lost(const char *why, void *arg)
{
    fail(arg, FAILURE_CAPTURE, "%s", why);
}

static void on_deadline(void *arg)
{
    struct shot *s = arg;

    if (s->state == SHOT_ARRANGING && s->options->wait_for_selector)
        fail(s, FAILURE_SELECTOR_NOT_FOUND,
             "nothing matched waitForSelector within %lld ms",
             (long long)s->options->timeout_ms);
    else
        fail(s, FAILURE_TIMEOUT, "not done within %lld ms: still %s",
             (long long)s->options->timeout_ms, state_names[s->state]);
}

struct shot *shot_start(struct loop *loop, struct browser *browser,
                        const struct filter_proxy *proxy,
                        const struct shot_options *options,
                        const struct shot_owner *owner)
{
    struct shot *s = mem_zalloc(sizeof *s);
    const struct tab_user user = { on_event, on_lost, s };

    s->tab = browser_take(browser, &user);
    if (!s->tab) {
        free(s);
        return NULL;
    }
    s->browser = browser;
    s->proxy = proxy;
    s->options = options;
    s->owner = *owner;
    s->deadline = loop_timer_new(loop, on_deadline, s);
    s->rest = loop_timer_new(loop, on_rested, s);
    loop_timer_start(s->deadline, options->timeout_ms + options->delay_ms);
    prepare(s);
    return s;
}

void shot_free(struct shot *s)
{
    if (!s)
        return;
    if (s->tab)
        leave_tab(s);
    loop_timer_free(s->deadline);
    loop_timer_free(s->rest);
    free(s->script);
    free(s);
}
