/* provider.h - a profile together with this installation's address and key.
 *
 * What worker and poller need to talk to a provider: the profile says how, the
 * settings say where (SHOTFLEET_PROVIDER_URL[_<PROFILE>]) and with which key
 * (SHOTFLEET_PROVIDER_KEY[_<PROFILE>]).
 */
#ifndef PROVIDER_H
#define PROVIDER_H

#include "common/profile.h"
#include "common/settings.h"

struct provider {
    const struct profile *profile;
    char *base_url;  /* no trailing slash; "" when it only sends webhooks */
    char *auth_line; /* "Name: value" for every request; NULL: none */
    char *key;       /* for submit.key_field; NULL: none */
};

struct providers {
    struct profiles profiles;
    struct provider *items; /* one per profile */
    size_t count;
};

/* On -1 `error` holds one line; release in either case. */
MUST_USE int providers_load(struct providers *out, const char *dir,
                            char error[SETTINGS_ERROR_SIZE]);
void providers_release(struct providers *p);
const struct provider *providers_find(const struct providers *p,
                                      const char *name);

/* base_url + path, `{id}` in the path replaced by the percent-encoded id (may
 * be NULL when the path has none).  The caller frees. */
char *provider_url(const struct provider *p, const char *path, const char *id);

#endif
