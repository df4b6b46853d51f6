/* document.h - what became of the page's main document.
 *
 * Follows the events of one tab: which document the main frame shows by now
 * (pages redirect and reload), what its server answered, whether it has loaded.
 * Documents are told apart by Chromium's loader ids.
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include "capture/failure.h"
#include "capture/filter_proxy.h"
#include "common/base.h"
#include "common/limits.h"

struct json_object;

enum { LOADER_SIZE = 40 }; /* 32 hex digits, and some room */

struct document {
    const char *frame;             /* id of the main frame, borrowed */
    int64_t since_ms;              /* clock_monotonic_ms */
    char url[LIMIT_URL_BYTES + 1]; /* last asked for, redirects included */
    char shown[LOADER_SIZE];       /* the document in the frame, or "" */
    char loaded[LOADER_SIZE];      /* last one that has loaded */
    char idle[LOADER_SIZE];        /* last one with a quiet network */
    char answered[LOADER_SIZE];    /* last one with an answer … */
    int64_t status;                /* … and its HTTP status */
    char failed[LOADER_SIZE];      /* last one that did not arrive … */
    char error[128];               /* … and Chromium's "net::ERR_…" */
    /* Part of it was lost because the machine's network interfaces changed
     * meanwhile, as docker makes them do: it is worth another try. */
    bool disturbed;
};

void document_init(struct document *d, const char *frame);
/* An event of the tab; others than it knows are ignored. */
void document_event(struct document *d, const char *method,
                    struct json_object *params);
bool document_is_loaded(const struct document *d);
bool document_is_idle(const struct document *d);

/* Is what the frame shows the page that was asked for?  On -1 `fault` says what
 * it is instead. */
MUST_USE int document_check(const struct document *d,
                            const struct filter_proxy *proxy,
                            struct fault *fault);
/* What "net::ERR_…" means for the capture. */
void document_explain(const struct document *d,
                      const struct filter_proxy *proxy, const char *error,
                      struct fault *fault);

#endif
