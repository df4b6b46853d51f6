/* pass.h - what a live client may follow: everything, or what it has a watch
 * token for.
 *
 * Everything is for as long as the key counts that it came with: when that is
 * revoked or expires, the owner hears of it and ends the client.
 */
#ifndef API_PASS_H
#define API_PASS_H

#include "api/exchange.h"
#include "api/topics.h"
#include "api/watch_token.h"

struct pass {
    struct pass *next, **link; /* among those that may end; `link` or NULL */
    void (*ended)(void *arg);  /* from the loop; at most once */
    void *arg;
    char key[KEY_ID_SIZE]; /* "" without one */
    bool everything;
    bool something;           /* the claim */
    struct watch_claim claim; /* of the token that it came with */
};

/* What a client is told whose key ended. */
#define PASS_ENDED "the key was revoked or has expired"

/* What the request brought. */
void pass_init(struct pass *p, const struct exchange *x,
               void (*ended)(void *arg), void *arg);
void pass_release(struct pass *p);
/* The keys have changed: ends what hangs on one that counts no longer. */
void pass_review(void *api);

/* Adds a token; false when it is none that counts. */
MUST_USE bool pass_add(struct pass *p, const struct api *a, const char *token);
/* `token` (or NULL) comes with the wish. */
MUST_USE bool pass_permits(const struct pass *p, const struct api *a,
                           const char *token, const struct topic_name *name);

#endif
