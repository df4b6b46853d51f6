/* worker_config.h - the settings of a worker and what is made of them:
 * providers, address guard, keys.  Loaded by the parent at start, by each child
 * after its fork, and once more to see whether a reload would work. */
#ifndef WORKER_CONFIG_H
#define WORKER_CONFIG_H

#include "common/guard.h"
#include "common/provider.h"
#include "worker/worker_settings.h"

struct worker_config {
    struct worker_settings settings;
    struct providers providers;
    struct guard guard;
    struct secrets token_keys;    /* the first one signs webhook URLs */
    struct secrets callback_keys; /* all of them sign callbacks */
};

/* From c->settings, which are loaded. On -1 `error` names what is wrong;
 * release in either case. */
MUST_USE int worker_config_init(struct worker_config *c,
                                char error[SETTINGS_ERROR_SIZE]);
/* Settings included, read again. */
MUST_USE int worker_config_load(struct worker_config *c,
                                char error[SETTINGS_ERROR_SIZE]);
void worker_config_release(struct worker_config *c);

#endif
