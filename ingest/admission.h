/* admission.h - may this webhook come in?  Guilty until proven otherwise.
 *
 * Judged in this order: address, method and path, signature, clock, shape.
 * (Size is judged by the HTTP server while it reads.)  Every refusal has its
 * own reason, status and counter; the sender learns only a short text.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include "common/http_server.h"
#include "common/streams.h"
#include "ingest/gate.h"

enum refusal {
    ADMITTED,
    REFUSED_FORWARDED, /* a trusted proxy's X-Forwarded-For is no list */
    REFUSED_ADDRESS,   /* not in ALLOWED_IPS */
    REFUSED_PATH,      /* no such route or provider */
    REFUSED_METHOD,    /* not POST */
    REFUSED_NO_SECRET, /* nothing to check it with */
    REFUSED_SIGNATURE, /* missing, malformed or wrong */
    REFUSED_TIMESTAMP, /* missing, malformed, too old or too new */
    REFUSED_TOKEN,     /* the URL's token is missing or wrong */
    REFUSED_QUERY,     /* jobId or attempt malformed, or repeated */
    REFUSED_BODY,      /* no JSON object */
    REFUSAL_COUNT,
};

/* What an admitted webhook says; all borrowed from request and gate. */
struct admitted {
    const struct profile *profile;
    const char *job;     /* NULL: the URL had none */
    const char *attempt; /* NULL: the URL had none */
    const char *id;      /* delivery id; NULL: none */
    char ip[ADDRESS_TEXT_SIZE];
};

enum { REFUSAL_DETAIL_SIZE = 160 };

/* `detail` gets more of the reason, for the log only. */
MUST_USE enum refusal admit(const struct gate *g, const struct http_request *r,
                            struct admitted *out,
                            char detail[REFUSAL_DETAIL_SIZE]);

unsigned refusal_status(enum refusal r);
const char *refusal_text(enum refusal r);  /* for the sender */
const char *refusal_label(enum refusal r); /* for metrics and logs */

#endif
