#include "api/pass.h"

#include <stdio.h>
#include <string.h>

#include "api/admission.h"
#include "api/watch.h"
#include "common/clock.h"

/* May it end, or is it a key of the settings, or a token for a while? */
static bool may_end(const struct exchange *x)
{
    return x->by_key && (*x->key || !admission_needs_key(x->api));
}

void pass_init(struct pass *p, const struct exchange *x,
               void (*ended)(void *arg), void *arg)
{
    *p = (struct pass){ .ended = ended, .arg = arg, .everything = x->by_key };
    snprintf(p->key, sizeof p->key, "%s", x->key);
    if (!x->by_key)
        p->something =
            watch_read(x->api, http_query(x->request, "token"), &p->claim);
    if (!may_end(x))
        return;
    p->link = &x->api->passes;
    p->next = *p->link;
    if (p->next)
        p->next->link = &p->next;
    *p->link = p;
}

void pass_release(struct pass *p)
{
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
        if (*p->key ? keys_hold(a->keys, p->key) : !admission_needs_key(a))
            continue;
        pass_release(p);
        p->everything = false;
        p->ended(p->arg);
    }
}

bool pass_add(struct pass *p, const struct api *a, const char *token)
{
    p->something = watch_read(a, token, &p->claim);
    return p->something;
}

static bool fits(const struct watch_claim *c, const struct topic_name *name)
{
    enum topic_kind kind = c->kind == WATCH_BATCH ? TOPIC_BATCH : TOPIC_CAPTURE;

    return kind == name->kind && strcmp(c->id, name->id) == 0 &&
           clock_wall_ms() / 1000 < c->expires_s;
}

bool pass_permits(const struct pass *p, const struct api *a, const char *token,
                  const struct topic_name *name)
{
    struct watch_claim claim;

    if (p->everything || (p->something && fits(&p->claim, name)))
        return true;
    return watch_read(a, token, &claim) && fits(&claim, name);
}
