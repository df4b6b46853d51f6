/* ingest_settings.h - the settings of shotfleet-ingest. */
#ifndef INGEST_SETTINGS_H
#define INGEST_SETTINGS_H

#include "common/settings.h"

struct ingest_settings {
    char *redis_url;
    char *listen;
    char *admin_listen;
    int64_t processes; /* 0: one per processor */
    int64_t grace_s;
    char *providers_dir;
    char *webhook_secrets;
    char *token_secrets;
    int64_t max_age_s, max_future_s;
    char *allowed_ips;
    char *trusted_proxies;
    int64_t max_body_bytes;
};

/* Ends the program when something is wrong, see settings_start(). */
void ingest_settings_start(int argc, char **argv, struct ingest_settings *s);
void ingest_settings_release(struct ingest_settings *s);

#endif
