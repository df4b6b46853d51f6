/* poller_settings.h - the settings of shotfleet-poller. */
#ifndef POLLER_SETTINGS_H
#define POLLER_SETTINGS_H

#include "common/settings.h"

struct poller_settings {
    char *redis_url;
    char *database_url;
    char *admin_listen;
    char *providers_dir;
    char *provider_url; /* read per profile in common/provider.c */
    char *provider_key; /* likewise */
    int64_t stale_after_s;
};

/* Ends the program when something is wrong, see settings_start(). */
void poller_settings_start(int argc, char **argv, struct poller_settings *s);
void poller_settings_release(struct poller_settings *s);

#endif
