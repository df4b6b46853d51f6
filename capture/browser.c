#include "capture/browser.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/chromium.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    BEAT_MS = 3000,
    /* A busy machine is slow, a Chromium that hangs is silent. */
    SILENCE_MS = 15000,
    START_MS = 30000, /* the first start reads 300 MB from a cold disk */
    RESTART_BASE_MS = 200,
    RESTART_CAP_MS = 15000,
    END_SIZE = 512,
};

enum browser_state {
    BROWSER_RESTING,  /* no Chromium; the timer starts the next */
    BROWSER_STARTING, /* no tab has been opened yet */
    BROWSER_UP,       /* it opens tabs */
};

struct owned_tab {
    struct owned_tab *next;
    struct tab *tab;
};

struct browser {
    struct loop *loop;
    struct browser_options options;
    enum browser_state state;
    struct chromium *chromium; /* NULL while resting */
    struct devtools *devtools;
    struct owned_tab *tabs; /* in every state of a tab */
    struct loop_timer *restart;
    struct loop_timer *beat;
    int64_t silent_since_ms; /* an unanswered beat, or 0 */
    unsigned starts;
    unsigned failed_starts;
    char profile[4096];
    char last_end[END_SIZE];
};

static void enter(struct browser *b, enum browser_state state)
{
    assert(state == BROWSER_RESTING || state == b->state + 1);
    b->state = state;
}

static void close_tab(struct browser *b, struct tab *t)
{
    for (struct owned_tab **o = &b->tabs; *o; o = &(*o)->next) {
        struct owned_tab *owned = *o;

        if (owned->tab != t)
            continue;
        *o = owned->next;
        free(owned);
        tab_close(t, b->chromium != NULL);
        return;
    }
}

static void on_tab_ready(struct tab *t, void *arg)
{
    struct browser *b = arg;

    (void)t;
    if (b->state == BROWSER_STARTING) {
        enter(b, BROWSER_UP);
        b->failed_starts = 0;
        log_info(NULL, "Chromium is ready");
    }
    b->options.changed(b->options.arg);
}

/* Opening a tab is the most basic thing there is: without it, start anew. */
static void on_tab_broken(struct tab *t, const char *why, void *arg)
{
    struct browser *b = arg;
    char text[END_SIZE];

    snprintf(text, sizeof text, "it could not open a tab: %s", why);
    close_tab(b, t);
    if (b->chromium)
        chromium_kill(b->chromium, text);
}

static unsigned count_tabs(const struct browser *b, enum tab_state last)
{
    unsigned count = 0;

    for (const struct owned_tab *o = b->tabs; o; o = o->next)
        count += tab_state(o->tab) <= last;
    return count;
}

static void open_tabs(struct browser *b)
{
    const struct tab_owner owner = { on_tab_ready, on_tab_broken, b };

    while (b->chromium && count_tabs(b, TAB_READY) < b->options.ready_tabs) {
        struct owned_tab *owned = mem_zalloc(sizeof *owned);

        owned->next = b->tabs;
        b->tabs = owned;
        owned->tab = tab_open(b->devtools, &owner);
    }
}

static void on_message(const char *ptr, size_t len, bool cut, void *arg)
{
    struct browser *b = arg;

    devtools_take(b->devtools, ptr, len, cut);
}

static void send(const char *ptr, size_t len, void *arg)
{
    struct browser *b = arg;

    if (b->chromium)
        chromium_send(b->chromium, ptr, len);
}

static struct tab *first_tab(const struct browser *b, enum tab_state state)
{
    for (const struct owned_tab *o = b->tabs; o; o = o->next) {
        if (tab_state(o->tab) == state)
            return o->tab;
    }
    return NULL;
}

/* Users give their tabs back when they hear of it, so the list changes. */
static void lose_tabs(struct browser *b, const char *why)
{
    struct tab *t = NULL;

    while ((t = first_tab(b, TAB_OPENING)) || (t = first_tab(b, TAB_READY)))
        close_tab(b, t);
    while ((t = first_tab(b, TAB_USED)))
        tab_lose(t, why);
}

static void rest(struct browser *b, const char *why)
{
    int64_t wait_ms =
        backoff_ms(b->failed_starts, RESTART_BASE_MS, RESTART_CAP_MS);

    if (b->state != BROWSER_UP)
        b->failed_starts++;
    snprintf(b->last_end, sizeof b->last_end, "%s", why);
    enter(b, BROWSER_RESTING);
    loop_timer_stop(b->beat);
    loop_timer_start(b->restart, wait_ms);
}

static void on_gone(const char *why, void *arg)
{
    struct browser *b = arg;
    char text[END_SIZE];

    snprintf(text, sizeof text, "Chromium ended: %s", why);
    log_warning(NULL, "%s; starting it anew", text);
    chromium_free(b->chromium);
    b->chromium = NULL;
    devtools_clear(b->devtools);
    rest(b, text);
    lose_tabs(b, text);
    b->options.changed(b->options.arg);
}

static void on_start(void *arg)
{
    struct browser *b = arg;
    char error[END_SIZE];
    const struct chromium_options options = {
        .path = b->options.program,
        .profile = b->profile,
        .sandbox = b->options.sandbox,
        .proxy_port = b->options.proxy_port,
    };

    b->starts++;
    if (chromium_start(&b->chromium, b->loop, &options, on_message, on_gone, b,
                       error, sizeof error) != 0) {
        log_error(NULL, "%s", error);
        rest(b, error);
        b->options.changed(b->options.arg);
        return;
    }
    enter(b, BROWSER_STARTING);
    b->silent_since_ms = 0;
    loop_timer_start(b->beat, BEAT_MS);
    open_tabs(b);
}

static void on_beat_answer(struct json_object *result, const char *error,
                           void *arg)
{
    struct browser *b = arg;

    (void)result;
    (void)error;
    b->silent_since_ms = 0;
}

/* Is there a tab that has been opening for too long? */
static bool is_stuck(const struct browser *b, int64_t now_ms, int64_t limit_ms)
{
    for (const struct owned_tab *o = b->tabs; o; o = o->next) {
        if (tab_state(o->tab) == TAB_OPENING &&
            now_ms - tab_since_ms(o->tab) > limit_ms)
            return true;
    }
    return false;
}

static void on_beat(void *arg)
{
    struct browser *b = arg;
    int64_t now_ms = clock_monotonic_ms();
    int64_t limit_ms = b->state == BROWSER_STARTING ? START_MS : SILENCE_MS;

    if (is_stuck(b, now_ms, limit_ms) ||
        (b->silent_since_ms > 0 && now_ms - b->silent_since_ms > limit_ms)) {
        chromium_kill(b->chromium, "it did not answer");
        return;
    }
    if (b->silent_since_ms == 0) {
        b->silent_since_ms = now_ms;
        devtools_call(b->devtools, NULL, "Browser.getVersion", NULL,
                      on_beat_answer, b);
    }
    loop_timer_start(b->beat, BEAT_MS);
}

struct browser *browser_new(struct loop *loop,
                            const struct browser_options *options)
{
    struct browser *b = mem_zalloc(sizeof *b);

    b->loop = loop;
    b->options = *options;
    snprintf(b->profile, sizeof b->profile, "%s/chromium", options->dir);
    b->devtools = devtools_new(tab_events, send, b);
    b->restart = loop_timer_new(loop, on_start, b);
    b->beat = loop_timer_new(loop, on_beat, b);
    loop_timer_start(b->restart, 0);
    return b;
}

void browser_free(struct browser *b)
{
    if (!b)
        return;
    loop_timer_free(b->restart);
    loop_timer_free(b->beat);
    chromium_free(b->chromium);
    b->chromium = NULL;
    while (b->tabs)
        close_tab(b, b->tabs->tab);
    devtools_free(b->devtools);
    free(b);
}

struct tab *browser_take(struct browser *b, const struct tab_user *user)
{
    struct tab *t = b->chromium ? first_tab(b, TAB_READY) : NULL;

    if (t) {
        tab_use(t, user);
        open_tabs(b);
    }
    return t;
}

void browser_give_back(struct browser *b, struct tab *t)
{
    close_tab(b, t);
}

bool browser_is_up(const struct browser *b)
{
    return b->state == BROWSER_UP;
}

unsigned browser_failed_starts(const struct browser *b)
{
    return b->failed_starts;
}

unsigned browser_starts(const struct browser *b)
{
    return b->starts;
}

const char *browser_last_end(const struct browser *b)
{
    return b->last_end;
}
