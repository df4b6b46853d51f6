/* pass.h - what a live client may follow, and until when: everything, or what
 * it has a watch token for.
 *
 * Everything is for as long as the key counts that it came with, the rest until
 * the tokens expire: the owner hears of it, leaves what is over, and ends a
 * client that may follow nothing any more.
 */
#ifndef API_PASS_H
#define API_PASS_H

#include "api/exchange.h"
#include "api/topics.h"
#include "api/watch_token.h"

/* What a client is told whose token expired. */
#define PASS_EXPIRED "the watch token has expired"

/* Followed by a token alone. */
struct grant {
    struct topic_name name;
    int64_t expires_s; /* Unix time */
};

struct pass_owner {
    /* What a token was for, and there is more; it is no longer granted.  NULL:
     * the owner has but one thing. */
    void (*expired)(void *arg, const struct topic_name *name);
    /* All of it, for `why`; at most once. */
    void (*ended)(void *arg, const char *why);
};

struct pass {
    struct pass *next, **link; /* among those that may end; `link` or NULL */
    const struct pass_owner *owner; /* is called from the loop */
    void *arg;
    struct api *api;
    char key[KEY_ID_SIZE]; /* "" without one */
    bool everything;
    bool something;           /* the claim */
    bool late;                /* its token expired as it came in */
    struct watch_claim claim; /* of the token that it came with */
    struct grant *grants;
    size_t grant_count;
};

/* life cycle */
/* What the request brought. */
void pass_init(struct pass *p, const struct exchange *x,
               const struct pass_owner *owner, void *arg);
void pass_release(struct pass *p);
/* The keys have changed: ends what hangs on one that counts no longer. */
void pass_review(void *api);
/* Time has passed: ends what tokens were for. */
void pass_expire(void *api);

/* use */
/* Adds a token; false when it is none that counts. */
MUST_USE bool pass_add(struct pass *p, const char *token);
/* `token` (or NULL) comes with the wish. */
MUST_USE bool pass_permits(const struct pass *p, const char *token,
                           const struct topic_name *name);
/* It follows this now, as pass_permits() allowed: until the token expires, or
 * longer when it was granted for longer. */
void pass_grant(struct pass *p, const char *token,
                const struct topic_name *name);
/* It does not any more; NULL: nothing at all. */
void pass_return(struct pass *p, const struct topic_name *name);

#endif
