/* poller_settings.h - the settings of shotfleet-poller. */
#ifndef POLLER_SETTINGS_H
#define POLLER_SETTINGS_H

#include "common/s3.h"
#include "common/settings.h"

struct poller_settings {
    char *redis_url;
    char *database_url;
    char *admin_listen;
    char *providers_dir;
    char *ca_file;      /* see ca_file.h */
    char *provider_url; /* read per profile in common/provider.c */
    char *provider_key; /* likewise */
    int64_t poll_interval_s;
    int64_t stale_after_s;
    char *storage;
    struct s3_settings s3;
    int64_t takeover_s;
    /* what is forgotten when; 0: never */
    int64_t retain_jobs_days;
    int64_t retain_pictures_days;
    int64_t retain_pictures_bytes;
    int64_t retain_deliveries_days;
    int64_t retain_dead_letters_days;
    int64_t retain_callbacks_days;
    bool remove_orphans;
};

/* Ends the program when something is wrong, see settings_start(). */
void poller_settings_start(int argc, char **argv, struct poller_settings *s);
void poller_settings_release(struct poller_settings *s);

#endif
