#include "capture/navigation.h"

#include "capture/json_put.h"
#include "common/json.h"
#include "common/log.h"

enum { RELOADS_MAX = 3 };

static void load(struct navigation *n);

static void finish(struct navigation *n, const struct fault *fault)
{
    navigation_fn *done = n->done;

    n->done = NULL;
    if (done)
        done(fault, n->arg);
}

static bool is_worth_a_reload(const struct navigation *n)
{
    return n->document.disturbed && n->reloads < RELOADS_MAX;
}

static void look(struct navigation *n)
{
    struct fault fault = { .failure = FAILURE_NONE };

    if (!n->done || !n->answered || !document_is_loaded(&n->document))
        return;
    if (is_worth_a_reload(n)) {
        log_debug(NULL, "the network changed: loading the page again");
        n->reloads++;
        load(n);
        return;
    }
    if (document_check(&n->document, n->proxy, &fault) == 0 &&
        n->options->wait_for_network_idle && !document_is_idle(&n->document))
        return;
    finish(n, &fault);
}

static void on_loading(struct json_object *result, const char *error, void *arg)
{
    struct navigation *n = arg;
    const char *net_error = json_text(result, "errorText");
    struct fault fault;

    if (error) {
        fault_set(&fault, FAILURE_INVALID_URL, "Chromium refuses the URL: %s",
                  error);
        finish(n, &fault);
    } else if (net_error && *net_error != '\0' && !is_worth_a_reload(n)) {
        document_explain(&n->document, n->proxy, net_error, &fault);
        finish(n, &fault);
    } else {
        n->answered = true; /* be it with Chromium's error page */
        look(n);
    }
}

static void load(struct navigation *n)
{
    struct json_object *params = NULL;

    n->answered = false;
    document_init(&n->document, tab_frame(n->tab));
    if (n->options->url) {
        tab_call(n->tab, "Page.navigate",
                 object_with_text("url", n->options->url), on_loading, n);
        return;
    }
    params = object_with_text("frameId", tab_frame(n->tab));
    put_text(params, "html", n->options->html);
    tab_call(n->tab, "Page.setDocumentContent", params, on_loading, n);
}

void navigation_start(struct navigation *n, struct tab *tab,
                      const struct filter_proxy *proxy,
                      const struct shot_options *options, navigation_fn *done,
                      void *arg)
{
    *n = (struct navigation){
        .tab = tab, .proxy = proxy, .options = options, .done = done, .arg = arg
    };
    load(n);
}

void navigation_stop(struct navigation *n)
{
    if (n->tab)
        tab_forget_calls(n->tab, n);
    *n = (struct navigation){ .tab = NULL };
}

void navigation_event(struct navigation *n, const char *method,
                      struct json_object *params)
{
    if (!n->tab)
        return; /* not started yet */
    document_event(&n->document, method, params);
    look(n);
}

int navigation_check(const struct navigation *n, struct fault *fault)
{
    return document_check(&n->document, n->proxy, fault);
}
