/* capture_settings.h - the settings of shotfleet-capture. */
#ifndef CAPTURE_SETTINGS_H
#define CAPTURE_SETTINGS_H

#include "common/settings.h"

struct capture_settings {
    char *listen;
    char *admin_listen;
    char *keys;
    char *public_url;
    char *dir;
    int64_t concurrency;
    int64_t queue;
    int64_t timeout_ms;
    char *chromium;
    char *sandbox;
    char *webhook_secrets;
    char *webhook_url;
    char *fetch_allow;
    int64_t grace_s;
};

/* Ends the program when something is wrong, see settings_start(). */
void capture_settings_start(int argc, char **argv, struct capture_settings *s);
void capture_settings_release(struct capture_settings *s);

#endif
