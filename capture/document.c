#include "capture/document.h"

#include <stdio.h>
#include <string.h>

#include "capture/url.h"
#include "common/clock.h"
#include "common/json.h"

void document_init(struct document *d, const char *frame)
{
    *d = (struct document){ .frame = frame, .since_ms = clock_monotonic_ms() };
}

static void keep(char *into, size_t size, struct json_object *params,
                 const char *path)
{
    const char *text = json_text(params, path);

    snprintf(into, size, "%s", text ? text : "");
}

static bool is_text(struct json_object *params, const char *path,
                    const char *word)
{
    const char *text = json_text(params, path);

    return text && strcmp(text, word) == 0;
}

static void on_lifecycle(struct document *d, struct json_object *params)
{
    const char *name = json_text(params, "name");

    if (!name)
        return;
    if (strcmp(name, "init") == 0)
        keep(d->shown, sizeof d->shown, params, "loaderId");
    else if (strcmp(name, "load") == 0)
        keep(d->loaded, sizeof d->loaded, params, "loaderId");
    else if (strcmp(name, "networkIdle") == 0)
        keep(d->idle, sizeof d->idle, params, "loaderId");
}

void document_event(struct document *d, const char *method,
                    struct json_object *params)
{
    bool is_main = is_text(params, "frameId", d->frame);
    bool is_document = is_text(params, "type", "Document");

    if (strcmp(method, "Page.lifecycleEvent") == 0) {
        if (is_main)
            on_lifecycle(d, params);
    } else if (strcmp(method, "Network.requestWillBeSent") == 0) {
        if (is_main && is_document)
            keep(d->url, sizeof d->url, params, "request.url");
    } else if (strcmp(method, "Network.responseReceived") == 0) {
        if (is_main && is_document) {
            keep(d->answered, sizeof d->answered, params, "loaderId");
            d->status = json_number(params, "response.status", 0);
        }
    } else if (strcmp(method, "Network.loadingFailed") == 0) {
        if (is_text(params, "errorText", "net::ERR_NETWORK_CHANGED"))
            d->disturbed = true;
        /* It names no frame; a document's request id is its loader id. */
        if (is_document) {
            keep(d->failed, sizeof d->failed, params, "requestId");
            keep(d->error, sizeof d->error, params, "errorText");
        }
    }
}

bool document_is_loaded(const struct document *d)
{
    return d->shown[0] != '\0' && strcmp(d->shown, d->loaded) == 0;
}

bool document_is_idle(const struct document *d)
{
    return document_is_loaded(d) && strcmp(d->shown, d->idle) == 0;
}

static bool explain_refusal(const struct document *d,
                            const struct filter_proxy *proxy,
                            struct fault *fault)
{
    char host[HOST_SIZE] = "";
    uint16_t port = 0;

    if (url_host(d->url, host, &port) != 0)
        return false;
    switch (filter_proxy_refusal(proxy, d->url, d->since_ms)) {
    case REFUSAL_BLOCKED:
        fault_set(fault, FAILURE_ADDRESS_BLOCKED,
                  "the address of \"%s\" may not be reached", host);
        return true;
    case REFUSAL_UNRESOLVED:
        fault_set(fault, FAILURE_NETWORK, "the name \"%s\" does not resolve",
                  host);
        return true;
    case REFUSAL_UNREACHABLE:
        fault_set(fault, FAILURE_NETWORK,
                  "nothing accepted a connection to \"%s\", port %u", host,
                  port);
        return true;
    case REFUSAL_NONE:
    case REFUSAL_COUNT:
        break;
    }
    return false;
}

void document_explain(const struct document *d,
                      const struct filter_proxy *proxy, const char *error,
                      struct fault *fault)
{
    static const struct {
        const char *error;
        enum failure failure;
        const char *message;
    } known[] = {
        { "ERR_ABORTED", FAILURE_HTTP,
          "the address answers with a download or without content" },
        { "ERR_UNSAFE_REDIRECT", FAILURE_INVALID_URL,
          "the page redirects to an address that is not http or https" },
        { "ERR_UNKNOWN_URL_SCHEME", FAILURE_INVALID_URL,
          "the page redirects to an address that is not http or https" },
        { "ERR_UNSAFE_PORT", FAILURE_INVALID_URL,
          "the port belongs to another protocol than http" },
    };
    const char *name = strncmp(error, "net::", 5) == 0 ? error + 5 : error;

    if (explain_refusal(d, proxy, fault))
        return;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(known[i].error, name) == 0) {
            fault_set(fault, known[i].failure, "%s", known[i].message);
            return;
        }
    }
    if (d->status >= 400)
        fault_set(fault, FAILURE_HTTP, "the page answered with status %d",
                  (int)d->status);
    else
        fault_set(fault, FAILURE_NETWORK, "could not load the page: %s", name);
}

int document_check(const struct document *d, const struct filter_proxy *proxy,
                   struct fault *fault)
{
    if (strcmp(d->answered, d->shown) == 0 && d->status >= 400) {
        if (!explain_refusal(d, proxy, fault))
            fault_set(fault, FAILURE_HTTP, "the page answered with status %d",
                      (int)d->status);
        return -1;
    }
    if (strcmp(d->failed, d->shown) == 0 && d->shown[0] != '\0') {
        document_explain(d, proxy, d->error, fault);
        return -1;
    }
    return 0;
}
