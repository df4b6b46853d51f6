#include "api/router.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/admission.h"
#include "api/batches.h"
#include "api/captures.h"
#include "api/change.h"
#include "api/dead_letters.h"
#include "api/engine.h"
#include "api/events.h"
#include "api/exchange.h"
#include "api/fleet.h"
#include "api/listing.h"
#include "api/live_socket.h"
#include "api/lookup.h"
#include "api/page.h"
#include "api/picture.h"
#include "api/providers.h"
#include "api/reply.h"
#include "api/submit.h"
#include "api/thumbnail.h"
#include "api/watch.h"
#include "common/mem.h"
#include "common/token.h"

struct path {
    const char *method; /* "GET" answers HEAD as well */
    const char *path;   /* {id}: a UUID; {file}: any one segment */
    enum route route;
    exchange_handler *handler;
    enum admission admission;
    enum scope scope; /* that a key needs */
};

static const struct path table[] = {
    { "POST", "/v1/captures", ROUTE_SUBMIT, submit_handle, WITH_KEY,
      SCOPE_SUBMIT },
    { "GET", "/v1/captures", ROUTE_LIST, listing_get, WITH_KEY, SCOPE_READ },
    { "GET", "/v1/captures/{id}", ROUTE_CAPTURE, captures_get, OR_CAPTURE_TOKEN,
      SCOPE_READ },
    { "DELETE", "/v1/captures/{id}", ROUTE_CANCEL, change_cancel, WITH_KEY,
      SCOPE_SUBMIT },
    { "POST", "/v1/captures/{id}/retry", ROUTE_RETRY, change_retry, WITH_KEY,
      SCOPE_SUBMIT },
    { "GET", "/v1/captures/{id}/history", ROUTE_HISTORY, captures_history,
      WITH_KEY, SCOPE_READ },
    { "GET", "/v1/captures/{id}/image", ROUTE_IMAGE, picture_get,
      OR_PICTURE_TOKEN, SCOPE_READ },
    { "GET", "/v1/captures/{id}/thumbnail", ROUTE_THUMBNAIL, thumbnail_get,
      OR_PICTURE_TOKEN, SCOPE_READ },
    { "GET", "/v1/captures/{id}/events", ROUTE_CAPTURE_EVENTS, events_of_one,
      OR_CAPTURE_TOKEN, SCOPE_READ },
    { "GET", "/v1/events", ROUTE_EVENTS, events_of_many, OR_BATCH_TOKEN,
      SCOPE_READ },
    { "POST", "/v1/watch-tokens", ROUTE_WATCH_TOKENS, watch_hand_out, WITH_KEY,
      SCOPE_READ },
    { "GET", "/v1/live", ROUTE_LIVE, live_socket_open, OR_ANY_TOKEN,
      SCOPE_READ },
    { "GET", "/socket.io/", ROUTE_SOCKETIO, engine_handle, OR_LATER,
      SCOPE_READ },
    { "POST", "/socket.io/", ROUTE_SOCKETIO, engine_handle, OR_LATER,
      SCOPE_READ },
    { "GET", "/v1/batches", ROUTE_BATCHES, batches_list, WITH_KEY, SCOPE_READ },
    { "GET", "/v1/batches/{id}", ROUTE_BATCH, batches_get, WITH_KEY,
      SCOPE_READ },
    { "GET", "/v1/dead-letters", ROUTE_DEAD_LETTERS, dead_letters_list,
      WITH_KEY, SCOPE_ADMIN },
    { "GET", "/v1/dead-letters/{id}", ROUTE_DEAD_LETTER, dead_letters_get,
      WITH_KEY, SCOPE_ADMIN },
    { "DELETE", "/v1/dead-letters/{id}", ROUTE_DEAD_LETTER, dead_letters_drop,
      WITH_KEY, SCOPE_ADMIN },
    { "POST", "/v1/dead-letters/{id}/retry", ROUTE_DEAD_LETTER,
      dead_letters_retry, WITH_KEY, SCOPE_ADMIN },
    { "GET", "/v1/fleet", ROUTE_FLEET, fleet_get, WITH_KEY, SCOPE_READ },
    { "GET", "/v1/providers", ROUTE_PROVIDERS, providers_get, WITH_KEY,
      SCOPE_READ },
    { "GET", "/", ROUTE_PAGE, page_get, OPEN, SCOPE_READ },
    { "GET", "/page/{file}", ROUTE_PAGE, page_get, OPEN, SCOPE_READ },
    { "GET", "/demo", ROUTE_PAGE, page_demo_redirect, OPEN, SCOPE_READ },
    { "GET", "/demo/", ROUTE_PAGE, page_demo_get, OPEN, SCOPE_READ },
    { "GET", "/demo/{file}", ROUTE_PAGE, page_demo_get, OPEN, SCOPE_READ },
};

/* Segment by segment; what stands in for {…} goes to `name`. */
static bool path_fits(const char *pattern, const char *path,
                      char name[EXCHANGE_NAME_SIZE])
{
    const char *brace = strchr(pattern, '{');
    size_t before = brace ? (size_t)(brace - pattern) : strlen(pattern);
    const char *after;
    size_t len;

    if (strncmp(pattern, path, before) != 0)
        return false;
    if (!brace)
        return path[before] == '\0';
    after = strchr(brace, '}') + 1;
    len = strcspn(path + before, "/");
    if (len == 0 || len >= EXCHANGE_NAME_SIZE ||
        strcmp(after, path + before + len) != 0)
        return false;
    memcpy(name, path + before, len);
    name[len] = '\0';
    return true;
}

static bool method_fits(const struct path *p, const char *method)
{
    return strcmp(p->method, method) == 0 ||
           (strcmp(p->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* CORS: may a page of this origin send such a request?  Whether the request
 * itself is admitted is another matter. */
static void reply_preflight(struct exchange *x, const char *methods)
{
    const struct http_field extra[] = {
        { "Access-Control-Allow-Methods", methods },
        { "Access-Control-Allow-Headers", cors_allowed_headers },
        { "Access-Control-Max-Age", "7200" },
        { 0 },
    };

    reply(x, 204, NULL, NULL, 0, extra);
}

static bool is_preflight(const struct exchange *x)
{
    return strcmp(http_method(x->request), "OPTIONS") == 0 &&
           http_header(x->request, "Access-Control-Request-Method") &&
           cors_answer(&x->api->cors, http_header(x->request, "Origin"));
}

/* NULL with an answer given when there is none. */
static const struct path *find(struct exchange *x)
{
    const char *path = http_path(x->request);
    const char *method = http_method(x->request);
    char allow[64] = "";

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        size_t len = strlen(allow);

        if (!path_fits(table[i].path, path, x->name))
            continue;
        if (method_fits(&table[i], method))
            return &table[i];
        snprintf(allow + len, sizeof allow - len, "%s%s", len > 0 ? ", " : "",
                 table[i].method);
    }
    if (*allow && is_preflight(x))
        reply_preflight(x, allow);
    else if (*allow)
        reply_method_not_allowed(x, allow);
    else
        reply_problem(x, PROBLEM_NOT_FOUND,
                      "there is nothing at this path; docs/api.md lists what "
                      "there is");
    return NULL;
}

static void exchange_free(void *context)
{
    struct exchange *x = context;

    if (x->work_free)
        x->work_free(x->work);
    free(x);
}

void router_handle(struct http_request *request, void *arg)
{
    struct exchange *x = mem_zalloc(sizeof *x);
    const struct path *p;

    *x = (struct exchange){ .api = arg,
                            .request = request,
                            .route = ROUTE_NONE };
    http_set_context(request, x, exchange_free);
    p = find(x);
    if (!p || !admission_check(x, p->admission, p->scope))
        return;
    x->route = p->route;
    if (strstr(p->path, "{id}") && !uuid_is_valid(x->name)) {
        lookup_unknown(x);
        return;
    }
    for (char *c = x->name; *c && p->route != ROUTE_PAGE; c++)
        *c = (char)tolower((unsigned char)*c); /* ids are compared as texts */
    p->handler(x);
}
