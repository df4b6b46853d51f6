/* worker_settings.h - the settings of shotfleet-worker. */
#ifndef WORKER_SETTINGS_H
#define WORKER_SETTINGS_H

#include "common/s3.h"
#include "common/settings.h"

struct worker_settings {
    char *redis_url;
    char *database_url;
    char *storage;
    struct s3_settings s3;
    char *admin_listen;
    int64_t processes; /* 0: one per processor */
    int64_t grace_s;
    int64_t takeover_s;
    char *providers_dir;
    char *webhook_url;
    char *webhook_secrets;
    char *token_secrets;
    char *fetch_allow;
    int64_t fetch_timeout_s;
    char *ca_file;  /* see ca_file.h */
    bool callbacks; /* that api takes callbackUrl: keys are needed */
    char *callback_secrets;
    int64_t stale_after_s;
    char *provider_url; /* read per profile in common/provider.c */
    char *provider_key; /* likewise */
};

/* Ends the program when something is wrong, see settings_start(). */
void worker_settings_start(int argc, char **argv, struct worker_settings *s);
/* The same again, in a running process; see settings_load(). */
MUST_USE int worker_settings_load(struct worker_settings *s,
                                  char error[SETTINGS_ERROR_SIZE]);
void worker_settings_release(struct worker_settings *s);

#endif
