#include "cli/follow.h"

#include <json-c/json.h>
#include <string.h>

#include "cli/event_stream.h"
#include "common/json.h"

enum { AGAIN_MS = 500 };

struct follow {
    struct event_stream events;
    follow_fn *fn;
    void *arg;
    bool ended;
};

bool follow_has_ended(struct json_object *document)
{
    const char *status = json_text(document, "status");

    return status &&
           (strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0 ||
            strcmp(status, "cancelled") == 0);
}

static void on_data(const char *ptr, size_t len, void *arg)
{
    struct follow *w = arg;
    char error[64];
    struct json_object *document = json_parse(ptr, len, error, sizeof error);

    if (json_text(document, "jobId") && !w->ended)
        w->ended = w->fn(document, w->arg);
    json_object_put(document);
}

static int on_bytes(const char *ptr, size_t len, void *arg)
{
    struct follow *w = arg;
    int rc = event_stream_feed(&w->events, ptr, len);

    return w->ended ? -1 : rc; /* no need to wait for the stream's end */
}

enum follow_outcome follow(struct service *s, struct patience *p,
                           const char *path, follow_fn *fn, void *arg)
{
    struct follow w = { .fn = fn, .arg = arg };
    enum service_outcome outcome = SERVICE_OVER;
    bool refused = false;

    while (!w.ended && !refused && !patience_is_over(p)) {
        event_stream_init(&w.events, on_data, &w);
        outcome = service_get(s, path, on_bytes, &w);
        event_stream_release(&w.events);
        refused = outcome == SERVICE_ANSWERED && service_status(s) >= 400 &&
                  service_status(s) < 500 && service_status(s) != 429;
        if (!w.ended && outcome == SERVICE_ANSWERED && service_status(s) == 200)
            w.ended = fn(NULL, arg);
        if (!w.ended && !refused)
            patience_sleep(p, AGAIN_MS);
    }
    if (w.ended)
        return FOLLOW_ENDED;
    if (refused)
        return FOLLOW_REFUSED;
    return outcome == SERVICE_UNREACHABLE ? FOLLOW_UNREACHABLE : FOLLOW_OVER;
}
