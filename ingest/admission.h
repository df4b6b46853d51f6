/* admission.h - may this webhook come in?  Guilty until proven otherwise.
 *
 * Judged in this order: address, path and method; then size, by the HTTP server
 * while it reads; signature, timestamp, what the URL says, body.
 * Every refusal has its own reason, status and counter; the sender learns only
 * a short text.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include "common/diagnosis.h"
#include "common/http_server.h"
#include "common/webhook.h"
#include "ingest/gate.h"

enum refusal {
    ADMITTED,
    REFUSED_FORWARDED, /* a trusted proxy's word makes no sense */
    REFUSED_ADDRESS,   /* not in ALLOWED_IPS */
    REFUSED_PATH,      /* no such route or provider */
    REFUSED_METHOD,    /* not POST */
    REFUSED_NO_SECRET, /* the rest as enum webhook_verdict */
    REFUSED_SIGNATURE,
    REFUSED_TIMESTAMP,
    REFUSED_TOKEN,
    REFUSED_QUERY,
    REFUSED_BODY,
    REFUSED_JOB,
    REFUSAL_COUNT,
};

/* What is known of a webhook; all borrowed from request and gate. */
struct admitted {
    const struct profile *profile; /* NULL: no such route */
    struct webhook_request request;
    struct webhook webhook; /* once the profile is known */
    enum webhook_verdict verdict;
    int64_t now_ms;
    const char *detail; /* more of the reason, for the log only; or NULL */
    char ip[ADDRESS_TEXT_SIZE];
};

/* Address, path and method: all that a head says, before a body is there.
 * `out` needs admitted_release(), also after a refusal; likewise below. */
MUST_USE enum refusal admit_head(const struct gate *g,
                                 const struct http_request *r,
                                 struct admitted *out);
/* The head once more, and the webhook. */
MUST_USE enum refusal admit(const struct gate *g, const struct http_request *r,
                            int64_t now_ms, struct admitted *out);
void admitted_release(struct admitted *a);

/* Is there anything to find out?  Not where it is not the webhook's fault, or
 * the body is too long to be worth the time. */
bool admitted_is_diagnosable(const struct admitted *a);
/* Then, what is probably the matter with it (diagnosis.h), for operators. */
void admitted_diagnose(const struct admitted *a, const struct gate *g,
                       char out[DIAGNOSIS_SIZE]);

unsigned refusal_status(enum refusal r);
const char *refusal_text(enum refusal r);  /* for the sender */
const char *refusal_label(enum refusal r); /* for metrics and logs */
/* It is the provider who said it, and malformed: kept as a dead letter. */
bool refusal_is_authentic(enum refusal r);

#endif
