/* webhook.h - is this request an authentic and well-formed webhook?
 *
 * By its provider's profile, in this order: signature, timestamp, what the URL
 * says (job, attempt, token), body.  Touches no socket and no clock, so that
 * ingest judges and `shotfleet doctor` explains with the same code.
 */
#ifndef WEBHOOK_H
#define WEBHOOK_H

#include "common/profile.h"

/* The first value of that name, NULL when there is none; `count` gets how often
 * the name is there. */
typedef const char *webhook_lookup(const void *arg, const char *name,
                                   unsigned *count);

struct webhook_request {
    webhook_lookup *header; /* names in any case */
    webhook_lookup *query;  /* decoded */
    const void *arg;
    const char *body;
    size_t body_len;
};

/* What it is judged by; all borrowed. */
struct webhook_terms {
    const struct profile *profile;
    const struct secrets *secrets; /* of the profile */
    const struct secrets *token_keys;
    int64_t now_ms, max_age_ms, max_future_ms;
};

enum webhook_verdict {
    WEBHOOK_FINE,
    WEBHOOK_NO_SECRET,     /* nothing to check it with */
    WEBHOOK_BAD_SIGNATURE, /* missing, malformed or wrong */
    WEBHOOK_BAD_TIMESTAMP, /* missing, malformed, too old or too new */
    WEBHOOK_BAD_QUERY,     /* jobId or attempt malformed, or repeated */
    WEBHOOK_BAD_TOKEN,     /* the URL's token is missing or wrong */
    /* from here on it is authentic */
    WEBHOOK_BAD_BODY, /* no JSON object, no picture */
    WEBHOOK_BAD_JOB,  /* the URL names one of our jobs, the body another */
};

enum { WEBHOOK_DETAIL_SIZE = 160 };

/* What it says about itself.  Texts are borrowed from the request, or from
 * `document`, and NULL where nothing is said. */
struct webhook {
    const char *job;     /* our id, a UUID: from the URL, else from the body */
    const char *attempt; /* a number, from the URL */
    const char *id;      /* of the delivery */
    const char *type;    /* content type */
    size_t key;          /* index of the secret that matched */
    enum signature_verdict signature; /* with WEBHOOK_HMAC */
    char detail[WEBHOOK_DETAIL_SIZE]; /* more of the reason, for operators */
    struct json_object
        *document; /* the body, where the profile looks into it */
};

/* `out` needs webhook_release(), whatever the verdict. */
MUST_USE enum webhook_verdict webhook_judge(struct webhook *out,
                                            const struct webhook_terms *terms,
                                            const struct webhook_request *r);
void webhook_release(struct webhook *w);

/* What a profile's signature (WEBHOOK_HMAC) is judged by; `signatures` gets how
 * many such headers there are.  `w` is of the same profile and request. */
struct signature_input webhook_signature_input(const struct profile *p,
                                               const struct webhook *w,
                                               const struct webhook_request *r,
                                               unsigned *signatures);

/* What stands at a place that is a header or a parameter; NULL where there is
 * nothing, or more than one. */
const char *webhook_outside(const struct webhook_request *r,
                            const struct place *place);

#endif
