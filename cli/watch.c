#include "cli/watch.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/event_stream.h"
#include "common/json.h"
#include "common/mem.h"

enum { AGAIN_MS = 500 };

struct watch {
    struct event_stream events;
    struct json_object *document;
    watch_fn *fn;
    void *arg;
};

static bool has_ended(struct json_object *document)
{
    const char *status = json_text(document, "status");

    return status &&
           (strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0 ||
            strcmp(status, "cancelled") == 0);
}

static void on_data(const char *ptr, size_t len, void *arg)
{
    struct watch *w = arg;
    char error[64];
    struct json_object *document = json_parse(ptr, len, error, sizeof error);

    if (!document)
        return;
    json_object_put(w->document);
    w->document = document;
    w->fn(document, w->arg);
}

static int on_bytes(const char *ptr, size_t len, void *arg)
{
    struct watch *w = arg;

    return event_stream_feed(&w->events, ptr, len);
}

static enum watch_outcome follow(struct watch *w, struct service *s,
                                 struct patience *p, const char *path)
{
    enum service_outcome outcome = SERVICE_OVER;

    while (!patience_is_over(p)) {
        outcome = service_get(s, path, on_bytes, w);
        if (has_ended(w->document))
            return WATCH_ENDED;
        if (outcome == SERVICE_ANSWERED && service_status(s) >= 400 &&
            service_status(s) < 500)
            return WATCH_REFUSED;
        patience_sleep(p, AGAIN_MS);
    }
    return outcome == SERVICE_UNREACHABLE ? WATCH_UNREACHABLE : WATCH_OVER;
}

enum watch_outcome watch_capture(struct service *s, struct patience *p,
                                 const char *id, watch_fn *fn, void *arg,
                                 struct json_object **document)
{
    struct watch w = { .fn = fn, .arg = arg };
    char *path = mem_format("/v1/captures/%s/events", id);
    enum watch_outcome outcome;

    event_stream_init(&w.events, on_data, &w);
    outcome = follow(&w, s, p, path);
    event_stream_release(&w.events);
    *document = w.document;
    free(path);
    return outcome;
}
