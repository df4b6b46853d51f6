#include "api/router.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/batches.h"
#include "api/captures.h"
#include "api/change.h"
#include "api/dead_letters.h"
#include "api/events.h"
#include "api/exchange.h"
#include "api/fleet.h"
#include "api/listing.h"
#include "api/lookup.h"
#include "api/page.h"
#include "api/picture.h"
#include "api/reply.h"
#include "api/submit.h"
#include "api/watch.h"
#include "common/mem.h"
#include "common/token.h"

struct path {
    const char *method; /* "GET" answers HEAD as well */
    const char *path;   /* {id}: a UUID; {file}: any one segment */
    enum route route;
    exchange_handler *handler;
    enum admission {
        WITH_KEY,
        OR_CAPTURE_TOKEN, /* a watch token for {id} will do */
        OR_BATCH_TOKEN,   /* or one for `?batch=` */
        OPEN,             /* holds no data, or judges by itself */
    } admission;
};

static const struct path table[] = {
    { "POST", "/v1/captures", ROUTE_SUBMIT, submit_handle, WITH_KEY },
    { "GET", "/v1/captures", ROUTE_LIST, listing_get, WITH_KEY },
    { "GET", "/v1/captures/{id}", ROUTE_CAPTURE, captures_get,
      OR_CAPTURE_TOKEN },
    { "DELETE", "/v1/captures/{id}", ROUTE_CANCEL, change_cancel, WITH_KEY },
    { "POST", "/v1/captures/{id}/retry", ROUTE_RETRY, change_retry, WITH_KEY },
    { "GET", "/v1/captures/{id}/history", ROUTE_HISTORY, captures_history,
      WITH_KEY },
    { "GET", "/v1/captures/{id}/image", ROUTE_IMAGE, picture_get,
      OR_CAPTURE_TOKEN },
    { "GET", "/v1/captures/{id}/events", ROUTE_CAPTURE_EVENTS, events_of_one,
      OR_CAPTURE_TOKEN },
    { "GET", "/v1/events", ROUTE_EVENTS, events_of_many, OR_BATCH_TOKEN },
    { "GET", "/v1/batches", ROUTE_BATCHES, batches_list, WITH_KEY },
    { "GET", "/v1/batches/{id}", ROUTE_BATCH, batches_get, WITH_KEY },
    { "GET", "/v1/dead-letters", ROUTE_DEAD_LETTERS, dead_letters_list,
      WITH_KEY },
    { "GET", "/v1/dead-letters/{id}", ROUTE_DEAD_LETTER, dead_letters_get,
      WITH_KEY },
    { "DELETE", "/v1/dead-letters/{id}", ROUTE_DEAD_LETTER, dead_letters_drop,
      WITH_KEY },
    { "POST", "/v1/dead-letters/{id}/retry", ROUTE_DEAD_LETTER,
      dead_letters_retry, WITH_KEY },
    { "GET", "/v1/fleet", ROUTE_FLEET, fleet_get, WITH_KEY },
    { "GET", "/", ROUTE_PAGE, page_get, OPEN },
    { "GET", "/page/{file}", ROUTE_PAGE, page_get, OPEN },
    { "GET", "/demo", ROUTE_PAGE, page_demo_redirect, OPEN },
    { "GET", "/demo/", ROUTE_PAGE, page_demo_get, OPEN },
    { "GET", "/demo/{file}", ROUTE_PAGE, page_demo_get, OPEN },
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
    if (*allow)
        reply_method_not_allowed(x, allow);
    else
        reply_problem(x, PROBLEM_NOT_FOUND,
                      "there is nothing at this path; docs/api.md lists what "
                      "there is");
    return NULL;
}

/* Does `?token=` allow this one thing? */
static bool token_fits(const struct exchange *x, const struct path *p)
{
    const char *token = http_query(x->request, "token");
    const char *batch = http_query(x->request, "batch");

    if (p->admission == OR_CAPTURE_TOKEN)
        return watch_permits(x->api, token, WATCH_CAPTURE, x->name);
    return p->admission == OR_BATCH_TOKEN && batch &&
           watch_permits(x->api, token, WATCH_BATCH, batch);
}

/* False with an answer given. */
static bool admitted(struct exchange *x, const struct path *p)
{
    const struct access *access = &x->api->access;
    const char *host = http_header(x->request, "Host");
    const char *method = http_method(x->request);
    bool changes = strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;

    if (access_needs_key(access)) {
        if (p->admission == OPEN ||
            access_key_fits(access, http_header(x->request, "Authorization"),
                            http_header(x->request, "X-API-Key")) ||
            token_fits(x, p))
            return true;
        reply_problem(x, PROBLEM_UNAUTHORIZED,
                      "send a key of this fleet as `Authorization: Bearer KEY` "
                      "or `X-API-Key: KEY`");
        return false;
    }
    if (!access_host_fits(access, host)) {
        reply_problem(x, PROBLEM_FORBIDDEN_HOST,
                      "without SHOTFLEET_API_KEYS only loopback is served; ask "
                      "for it as http://127.0.0.1 or http://localhost");
        return false;
    }
    if (changes &&
        !access_origin_fits(http_header(x->request, "Origin"), host)) {
        reply_problem(x, PROBLEM_FORBIDDEN_ORIGIN,
                      "the request comes from a page of another site; set "
                      "SHOTFLEET_API_KEYS and send a key instead");
        return false;
    }
    return true;
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
    if (!p || !admitted(x, p))
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
