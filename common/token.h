/* token.h - the per-job token in the webhook URL that a provider is handed.
 *
 * `jobId`, `attempt` and `token` come back unchanged with the webhook; the
 * token is an HMAC of both, so that nobody can make up a URL.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include "common/base.h"
#include "common/signature.h"

/* URL-safe base64 of HMAC-SHA256, without padding, and a NUL. */
enum { TOKEN_SIZE = 44 };

void token_make(const struct secret *key, const char *job_id, int64_t attempt,
                char out[TOKEN_SIZE]);
/* Constant-time against every key. */
MUST_USE bool token_check(const struct secrets *keys, const char *job_id,
                          int64_t attempt, const char *token);

/* `base` + "jobId=…&attempt=…&token=…" ("token" only with a key; key may be
 * NULL); respects a query that `base` already has, which must have no fragment.
 * The job id goes in as it is.  The caller frees. */
char *webhook_url_make(const char *base, const struct secret *key,
                       const char *job_id, int64_t attempt);

/* Is it a UUID in the canonical form of 36 characters, digits of either case
 * (RFC 9562, section 4)? */
bool uuid_is_valid(const char *text);

#endif
