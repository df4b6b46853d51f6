/* watch.h - watch tokens as requests bring them and answers carry them.
 *
 * One for pictures is worth no more than the key that it was made for: it ends
 * with that one.
 */
#ifndef API_WATCH_H
#define API_WATCH_H

#include "api/exchange.h"
#include "api/watch_token.h"

struct json_object;

/* From SHOTFLEET_TOKEN_SECRETS, else the webhook secrets; without any of them
 * no tokens are handed out.  -1 with one line in `error`. */
MUST_USE int watch_init(struct api *a, char *error, size_t error_size);
void watch_release(struct api *a);

/* Adds `watchToken` and `watchTokenExpiresAt`, where there are secrets. */
void watch_offer(struct api *a, struct json_object *receipt,
                 enum watch_kind kind, const char *id);

/* POST /v1/watch-tokens */
void watch_hand_out(struct exchange *x);

/* Is it a token for exactly this?  `token` NULL: no. */
MUST_USE bool watch_permits(const struct api *a, const char *token,
                            enum watch_kind kind, const char *id);
/* Is it one for pictures? */
MUST_USE bool watch_shows_pictures(const struct api *a, const char *token);
/* What a token is for, a capture or a batch; false when it is none that counts
 * now. */
MUST_USE bool watch_read(const struct api *a, const char *token,
                         struct watch_claim *claim);

#endif
