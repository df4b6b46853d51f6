/* submission.h - the body of POST /v1/captures, checked.
 *
 * One capture is {"url":…, "provider":…, "metadata":{…}, "callbackUrl":…} with
 * the capture options beside them; many are {"captures":[…]} of the same
 * objects, and each is judged on its own.  Pure: bytes in, submissions and
 * complaints out.
 */
#ifndef API_SUBMISSION_H
#define API_SUBMISSION_H

#include "api/complaint.h"

enum { SUBMISSIONS_MAX = 1000, METADATA_MAX_BYTES = 16 * 1024 };

struct submission {
    char *url;
    char *provider;               /* NULL: the fleet's default */
    char *options;                /* JSON object, as text */
    char *metadata;               /* likewise */
    char *callback_url;           /* NULL: none */
    struct complaints complaints; /* none: it is accepted */
};

struct submissions {
    struct submission *items;
    size_t count;
    size_t accepted; /* those without complaints */
    bool batch;      /* came as {"captures":[…]} */
};

/* Is there a provider of this name? */
typedef bool provider_known_fn(const char *name, void *arg);

struct submission_rules {
    provider_known_fn *provider_known;
    void *arg;
    bool callbacks; /* are there any? */
};

/* -1 when none is accepted: `c` gets all complaints, of the body or of its
 * captures.  Release `out` and `c` in either case. */
MUST_USE int submissions_parse(struct submissions *out, const char *body,
                               size_t len, const struct submission_rules *rules,
                               struct complaints *c);
void submissions_release(struct submissions *s);

#endif
