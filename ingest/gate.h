/* gate.h - everything that admission is judged by, loaded once before the fork.
 *
 * Provider profiles with their secrets, address ranges, the clock's limits.
 */
#ifndef GATE_H
#define GATE_H

#include "common/profile.h"
#include "common/ranges.h"
#include "ingest/ingest_settings.h"

struct gate {
    struct profiles profiles;
    struct secrets *secrets; /* one list per profile, in their order */
    struct secrets *retired; /* likewise; valid no more, only recognised */
    struct secrets token_keys;
    struct ranges allowed;         /* empty: everybody */
    struct ranges trusted_proxies; /* whose X-Forwarded-For is believed */
    int64_t max_age_ms, max_future_ms;
};

/* On -1 `error` names what is wrong; release in either case. */
MUST_USE int gate_init(struct gate *g, const struct ingest_settings *s,
                       char error[SETTINGS_ERROR_SIZE]);
/* The same, from settings read again: the environment of a process does not
 * change, but the files that NAME_FILE and PROVIDERS_DIR name do. */
MUST_USE int gate_reload(struct gate *g, char error[SETTINGS_ERROR_SIZE]);
void gate_release(struct gate *g);

/* `profile` must be one of the gate's. */
const struct secrets *gate_secrets(const struct gate *g,
                                   const struct profile *profile);
const struct secrets *gate_retired(const struct gate *g,
                                   const struct profile *profile);

#endif
