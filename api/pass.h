/* pass.h - what a live client may follow: everything, or what it has a watch
 * token for. */
#ifndef API_PASS_H
#define API_PASS_H

#include "api/exchange.h"
#include "api/topics.h"
#include "api/watch_token.h"

struct pass {
    bool everything;
    bool something;           /* the claim */
    struct watch_claim claim; /* of the token that it came with */
};

/* What the request brought. */
void pass_init(struct pass *p, const struct exchange *x);
/* Adds a token; false when it is none that counts. */
MUST_USE bool pass_add(struct pass *p, const struct api *a, const char *token);
/* `token` (or NULL) comes with the wish. */
MUST_USE bool pass_permits(const struct pass *p, const struct api *a,
                           const char *token, const struct topic_name *name);

#endif
