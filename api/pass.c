#include "api/pass.h"

#include <string.h>

#include "api/watch.h"
#include "common/clock.h"

void pass_init(struct pass *p, const struct exchange *x)
{
    *p = (struct pass){ .everything = x->by_key };
    if (!x->by_key)
        p->something =
            watch_read(x->api, http_query(x->request, "token"), &p->claim);
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
