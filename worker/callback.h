/* callback.h - one call of a user's application: what is sent, and what its
 * answer means.
 *
 * Signed as Standard Webhooks 1.0 says (webhook-id, webhook-timestamp,
 * webhook-signature).  Pure on both sides of the HTTP call.
 */
#ifndef CALLBACK_H
#define CALLBACK_H

#include "common/digest.h"
#include "common/http_client.h"

/* Those of record_callback() (sql/0004_callbacks.sql). */
enum callback_outcome {
    CALLBACK_DELIVERED,
    CALLBACK_FAILED,    /* tried again */
    CALLBACK_POSTPONED, /* was not sent; costs no attempt */
    CALLBACK_STOPPED,   /* for good */
};

const char *callback_outcome_name(enum callback_outcome o);

/* {"type":"job.completed","timestamp":…,"data":{…}}; `document` is JSON text.
 * The caller frees it. */
char *callback_body(const char *type, const char *timestamp,
                    const char *document);

/* The value of webhook-signature: "v1,…" for each key, a blank in between.  The
 * caller frees it. */
char *callback_signature(const struct secrets *keys, const char *id,
                         int64_t unix_s, const char *body);

/* `error` says why it was not delivered, else it is empty. */
enum callback_outcome callback_judge(const struct http_answer *answer,
                                     char *error, size_t error_size);

#endif
