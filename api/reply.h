/* reply.h - every answer leaves through here: counted, and with the headers
 * that keep browsers careful. */
#ifndef API_REPLY_H
#define API_REPLY_H

#include "api/complaint.h"
#include "api/exchange.h"
#include "api/problem.h"

struct json_object;

/* The headers that every answer has, and `extra` (ended by a NULL name, or
 * NULL; at most REPLY_EXTRA_MAX) behind them.  An extra one takes the place of
 * the usual one of that name.  What is left of the key's limit and CORS are
 * seen to here. */
enum { REPLY_USUAL = 5, REPLY_OWN_MAX = 5, REPLY_EXTRA_MAX = 8 };
struct reply_fields {
    struct http_field list[REPLY_USUAL + REPLY_OWN_MAX + REPLY_EXTRA_MAX + 1];
    char policy[48], left[48]; /* of the key's limit */
};
const struct http_field *reply_fields(const struct exchange *x,
                                      struct reply_fields *out,
                                      const struct http_field *extra);

/* Counts an answer with this status; reply() and friends do it by themselves.
 */
void reply_count(const struct exchange *x, unsigned status);

void reply(struct exchange *x, unsigned status, const char *type,
           const char *ptr, size_t len, const struct http_field *extra);
/* Takes `value`. */
void reply_json(struct exchange *x, unsigned status, struct json_object *value,
                const struct http_field *extra);

PRINTF_LIKE(3, 4)
void reply_problem(struct exchange *x, enum problem p, const char *fmt, ...);
/* 405; `allow` lists the methods that there are. */
void reply_upgrade_required(struct exchange *x);
void reply_method_not_allowed(struct exchange *x, const char *allow);
/* 400 with all of them; as its document, which the caller owns. */
struct json_object *reply_complaints_document(const struct complaints *c);
void reply_complaints(struct exchange *x, const struct complaints *c);
/* 416: the range begins behind the end. */
void reply_range_not_satisfiable(struct exchange *x, size_t size);
/* 429: x->quota is used up. */
void reply_rate_limited(struct exchange *x);
/* 503 with Retry-After. */
PRINTF_LIKE(2, 3)
void reply_unavailable(struct exchange *x, const char *fmt, ...);
/* For a database result that is not DB_OK; logs what an operator must know. */
void reply_db_failure(struct exchange *x, const struct db_result *result);

#endif
