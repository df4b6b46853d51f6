/* diagnosis.h - why was this webhook refused?
 *
 * Tries what usually goes wrong: another key, a body that something on the way
 * has changed, another provider's dialect, another unit of time, a clock that
 * is off.  For operators only: the sender must never see any of it.  Never says
 * what a secret, a token or a body is.
 */
#ifndef DIAGNOSIS_H
#define DIAGNOSIS_H

#include "common/webhook.h"

/* Keys that are known, and not valid for this provider. */
struct key_ring {
    const char *name; /* "SHOTFLEET_RETIRED_SECRETS" */
    const struct secrets *secrets;
};

struct diagnosis_terms {
    struct webhook_terms webhook;
    const struct profiles *profiles; /* whose dialects are tried */
    const struct key_ring *rings;
    size_t ring_count;
};

enum { DIAGNOSIS_SIZE = 512 };

/* Into `out` what is probably the matter with a webhook that webhook_judge()
 * has refused (`w` as it left it), as one line without a full stop.  Costs some
 * hundred HMACs over the body where no other cause is found. */
void diagnose(const struct diagnosis_terms *terms, const struct webhook *w,
              enum webhook_verdict verdict, const struct webhook_request *r,
              char out[DIAGNOSIS_SIZE]);

#endif
