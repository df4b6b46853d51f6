#include "api/pass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/admission.h"
#include "api/watch.h"
#include "common/clock.h"
#include "common/mem.h"

#define KEY_ENDED "the key was revoked or has expired"

/* The wall clock may leap meanwhile. */
enum { LOOK_AGAIN_S = 30 };

static bool same(const struct topic_name *a, const struct topic_name *b)
{
    return a->kind == b->kind && strcmp(a->id, b->id) == 0;
}

/* --- time */

static void expect(struct api *a, int64_t expires_s)
{
    int64_t now_ms = clock_wall_ms();
    int64_t wait_ms = expires_s * 1000 - now_ms;

    if (loop_timer_running(a->pass_expiry) && a->pass_expiry_s <= expires_s)
        return;
    if (wait_ms > LOOK_AGAIN_S * 1000)
        wait_ms = LOOK_AGAIN_S * 1000;
    a->pass_expiry_s = (now_ms + wait_ms) / 1000;
    loop_timer_start(a->pass_expiry, wait_ms > 0 ? wait_ms : 0);
}

/* When the next of what it has ends; INT64_MAX: it has nothing any more. */
static int64_t next_end(const struct pass *p, int64_t now_s)
{
    int64_t next_s = INT64_MAX;

    if (p->something && p->claim.expires_s > now_s)
        next_s = p->claim.expires_s;
    for (size_t i = 0; i < p->grant_count; i++) {
        int64_t at_s = p->grants[i].expires_s;

        if (at_s > now_s && at_s < next_s)
            next_s = at_s;
    }
    return next_s;
}

static void drop_expired(struct pass *p, int64_t now_s)
{
    size_t i = 0;

    while (i < p->grant_count) {
        struct grant g = p->grants[i];

        if (g.expires_s > now_s) {
            i++;
            continue;
        }
        p->grants[i] = p->grants[--p->grant_count];
        p->owner->expired(p->arg, &g.name);
    }
}

void pass_expire(void *api)
{
    struct api *a = api;
    int64_t now_s = clock_wall_ms() / 1000;
    int64_t next_s = INT64_MAX;
    struct pass *next;

    for (struct pass *p = a->passes; p; p = next) {
        int64_t at_s;

        next = p->next;
        if (p->everything || (!p->something && !p->late))
            continue;
        at_s = next_end(p, now_s);
        if (at_s < next_s)
            next_s = at_s;
        if (at_s < INT64_MAX) {
            drop_expired(p, now_s);
            continue;
        }
        pass_release(p);
        p->owner->ended(p->arg, PASS_EXPIRED);
    }
    if (next_s < INT64_MAX)
        expect(a, next_s);
}

/* --- life cycle */

/* May it end, or is it a key of the settings? */
static bool may_end(const struct exchange *x)
{
    return !x->by_key || *x->key || !admission_needs_key(x->api);
}

static void take_claim(struct pass *p, const char *token)
{
    p->something = watch_read(p->api, token, &p->claim);
    if (p->something)
        expect(p->api, p->claim.expires_s);
}

void pass_init(struct pass *p, const struct exchange *x,
               const struct pass_owner *owner, void *arg)
{
    const char *token = http_query(x->request, "token");

    *p = (struct pass){
        .owner = owner, .arg = arg, .api = x->api, .everything = x->by_key
    };
    snprintf(p->key, sizeof p->key, "%s", x->key);
    if (!may_end(x))
        return;
    if (!x->by_key)
        take_claim(p, token);
    p->late = !x->by_key && token && !p->something;
    if (p->late)
        expect(p->api, 0);
    p->link = &x->api->passes;
    p->next = *p->link;
    if (p->next)
        p->next->link = &p->next;
    *p->link = p;
}

void pass_release(struct pass *p)
{
    pass_return(p, NULL);
    if (!p->link)
        return;
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
    p->link = NULL;
}

void pass_review(void *api)
{
    struct api *a = api;
    struct pass *next;

    for (struct pass *p = a->passes; p; p = next) {
        next = p->next;
        if (!p->everything ||
            (*p->key ? keys_hold(a->keys, p->key) : !admission_needs_key(a)))
            continue;
        pass_release(p);
        p->everything = false;
        p->owner->ended(p->arg, KEY_ENDED);
    }
}

/* --- use */

bool pass_add(struct pass *p, const char *token)
{
    take_claim(p, token);
    return p->something;
}

/* Until when a token is good for this; 0: it is not. */
static int64_t good_until(const struct watch_claim *c,
                          const struct topic_name *name)
{
    enum topic_kind kind = c->kind == WATCH_BATCH ? TOPIC_BATCH : TOPIC_CAPTURE;
    bool fits = kind == name->kind && strcmp(c->id, name->id) == 0 &&
                clock_wall_ms() / 1000 < c->expires_s;

    return fits ? c->expires_s : 0;
}

static int64_t permitted_until(const struct pass *p, const char *token,
                               const struct topic_name *name)
{
    struct watch_claim claim;
    int64_t own_s = p->something ? good_until(&p->claim, name) : 0;
    int64_t given_s =
        watch_read(p->api, token, &claim) ? good_until(&claim, name) : 0;

    if (p->everything)
        return INT64_MAX;
    return own_s > given_s ? own_s : given_s;
}

bool pass_permits(const struct pass *p, const char *token,
                  const struct topic_name *name)
{
    return permitted_until(p, token, name) > 0;
}

static struct grant *find(const struct pass *p, const struct topic_name *name)
{
    for (size_t i = 0; i < p->grant_count; i++) {
        if (same(&p->grants[i].name, name))
            return &p->grants[i];
    }
    return NULL;
}

void pass_grant(struct pass *p, const char *token,
                const struct topic_name *name)
{
    int64_t until_s = permitted_until(p, token, name);
    struct grant *g = find(p, name);

    if (p->everything)
        return;
    if (!g) {
        p->grants =
            mem_resize_array(p->grants, p->grant_count + 1, sizeof *p->grants);
        g = &p->grants[p->grant_count++];
        *g = (struct grant){ .name = *name };
    }
    if (until_s > g->expires_s)
        g->expires_s = until_s;
    expect(p->api, g->expires_s);
}

void pass_return(struct pass *p, const struct topic_name *name)
{
    struct grant *g = name ? find(p, name) : NULL;

    if (g)
        *g = p->grants[--p->grant_count];
    if (name && p->grant_count > 0)
        return;
    free(p->grants);
    p->grants = NULL;
    p->grant_count = 0;
}
