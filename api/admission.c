#include "api/admission.h"

#include <stdio.h>
#include <string.h>

#include "api/reply.h"
#include "api/watch.h"
#include "common/digest.h"

bool admission_needs_key(const struct api *a)
{
    return access_needs_key(&a->access) || keys_count(a->keys) > 0;
}

/* Does `?token=` allow this one thing? */
static bool token_fits(const struct exchange *x, enum admission admission)
{
    const char *token = http_query(x->request, "token");
    const char *batch = http_query(x->request, "batch");
    struct watch_claim claim;

    if (admission == OR_ANY_TOKEN)
        return watch_read(x->api, token, &claim);
    if (admission == OR_PICTURE_TOKEN && watch_shows_pictures(x->api, token))
        return true;
    if (admission == OR_CAPTURE_TOKEN || admission == OR_PICTURE_TOKEN)
        return watch_permits(x->api, token, WATCH_CAPTURE, x->name);
    return admission == OR_BATCH_TOKEN && batch &&
           watch_permits(x->api, token, WATCH_BATCH, batch);
}

static bool key_may(struct exchange *x, struct key *key, enum scope needed)
{
    snprintf(x->actor, sizeof x->actor, "%s", key->name);
    snprintf(x->key, sizeof x->key, "%s", key->id);
    snprintf(x->owner, sizeof x->owner, "%s", key->id);
    if (key->scope < needed) {
        reply_problem(x, PROBLEM_FORBIDDEN_SCOPE,
                      "the key \"%s\" has the scope %s and this needs %s; "
                      "`shotfleet keys create` makes one that has",
                      key->name, scope_name(key->scope), scope_name(needed));
        return false;
    }
    if (key_spend(key, &x->quota))
        return true;
    reply_rate_limited(x);
    return false;
}

/* A key of the settings may do everything, as often as it likes. */
static void be_operator(struct exchange *x, const char *given)
{
    char sha256[SHA256_HEX_SIZE];

    sha256_hex(given, strlen(given), sha256);
    snprintf(x->owner, sizeof x->owner, "setting:%.16s", sha256);
}

static bool refuse(struct exchange *x, bool given)
{
    if (!keys_are_loaded(x->api->keys))
        reply_unavailable(x, "the database, which knows the keys, is away; try "
                             "again");
    else
        reply_problem(x, PROBLEM_UNAUTHORIZED,
                      given ? "this key is unknown here, has expired, or was "
                              "revoked; `shotfleet keys list` shows those that "
                              "count"
                            : "send a key of this fleet as `Authorization: "
                              "Bearer KEY` or `X-API-Key: KEY`");
    return false;
}

/* No key is needed: only this machine's own user may be there. */
static bool loopback_may(struct exchange *x, enum admission admission)
{
    const struct access *access = &x->api->access;
    const char *host = http_header(x->request, "Host");
    const char *origin = http_header(x->request, "Origin");
    const char *method = http_method(x->request);
    /* the browser's rules for reading do not hold for WebSockets */
    bool changes =
        (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) ||
        admission == OR_ANY_TOKEN || admission == OR_LATER;

    if (!access_host_fits(access, host)) {
        reply_problem(x, PROBLEM_FORBIDDEN_HOST,
                      "without SHOTFLEET_API_KEYS only loopback is served; ask "
                      "for it as http://127.0.0.1 or http://localhost");
        return false;
    }
    if (changes && !access_origin_fits(origin, host) &&
        !cors_answer(&x->api->cors, origin)) {
        reply_problem(x, PROBLEM_FORBIDDEN_ORIGIN,
                      "the request comes from a page of another site; set "
                      "SHOTFLEET_API_KEYS and send a key instead, or name the "
                      "site in SHOTFLEET_CORS_ORIGINS");
        return false;
    }
    return true;
}

bool admission_check(struct exchange *x, enum admission admission,
                     enum scope needed)
{
    struct api *a = x->api;
    const char *given =
        access_key_given(http_header(x->request, "Authorization"),
                         http_header(x->request, "X-API-Key"));
    struct key *key;

    if (given && admission != OPEN) {
        if (access_key_fits(&a->access, given)) {
            be_operator(x, given);
            x->by_key = true;
            return true;
        }
        key = keys_find(a->keys, given);
        x->by_key = key != NULL;
        if (key)
            return key_may(x, key, needed);
    }
    if (admission_needs_key(a))
        return admission == OPEN || admission == OR_LATER ||
               token_fits(x, admission) || refuse(x, given != NULL);
    if (admission != OPEN && !keys_are_loaded(a->keys))
        return refuse(x, given != NULL);
    x->by_key = true;
    return loopback_may(x, admission);
}
