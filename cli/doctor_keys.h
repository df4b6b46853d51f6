/* doctor_keys.h - every webhook key that this machine's settings know.
 *
 * Those that are valid for the provider in question, and those that are not,
 * with a name for each ring of them.  Secrets stay in here: nothing prints one.
 */
#ifndef DOCTOR_KEYS_H
#define DOCTOR_KEYS_H

#include "common/diagnosis.h"
#include "common/settings.h"

struct doctor_settings {
    char *providers_dir;
    char *webhook_secrets;
    char *token_secrets;
    char *retired_secrets;
    int64_t max_age_s, max_future_s;
    int64_t max_body_bytes;
    char *admin_listen; /* of ingest, where it runs here */
};

enum { DOCTOR_SETTINGS = 8 };
extern const struct setting_use doctor_settings[DOCTOR_SETTINGS];

struct doctor_keys {
    struct secrets own, tokens; /* valid for the provider */
    struct key_ring *rings;     /* not valid for it */
    struct secrets *ring_keys;  /* of the rings */
    char **names;               /* likewise */
    size_t ring_count;
};

/* On -1 `error` says which setting is wrong; release in either case. */
MUST_USE int doctor_keys_load(struct doctor_keys *k,
                              const struct doctor_settings *s,
                              const struct profiles *profiles,
                              const struct profile *provider,
                              char error[SETTINGS_ERROR_SIZE]);
void doctor_keys_release(struct doctor_keys *k);

#endif
