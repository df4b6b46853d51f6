#include "worker/worker_config.h"

#include <stdio.h>
#include <string.h>

#include "common/ca_file.h"

static void trim_slashes(char *url)
{
    for (size_t n = strlen(url); n > 0 && url[n - 1] == '/';)
        url[--n] = '\0';
}

static int init_callback_keys(struct worker_config *c,
                              char error[SETTINGS_ERROR_SIZE])
{
    const struct worker_settings *s = &c->settings;
    char why[256];

    if (secrets_parse(&c->callback_keys, s->callback_secrets, true, why,
                      sizeof why) != 0) {
        snprintf(error, SETTINGS_ERROR_SIZE, "SHOTFLEET_CALLBACK_SECRETS: %s",
                 why);
        return -1;
    }
    if (s->callbacks && c->callback_keys.count == 0) {
        snprintf(error, SETTINGS_ERROR_SIZE,
                 "SHOTFLEET_CALLBACKS is on, but SHOTFLEET_CALLBACK_SECRETS "
                 "has no key to sign with");
        return -1;
    }
    secrets_prepare(&c->callback_keys, SIGNATURE_SHA256);
    return 0;
}

int worker_config_init(struct worker_config *c, char error[SETTINGS_ERROR_SIZE])
{
    const struct worker_settings *s = &c->settings;
    const char *tokens =
        *s->token_secrets ? s->token_secrets : s->webhook_secrets;

    trim_slashes(s->webhook_url);
    if (providers_load(&c->providers, s->providers_dir, error) != 0 ||
        guard_init(&c->guard, s->fetch_allow, error, SETTINGS_ERROR_SIZE) !=
            0 ||
        ca_file_check(s->ca_file, error) != 0)
        return -1;
    if (secrets_parse(&c->token_keys, tokens, false, error,
                      SETTINGS_ERROR_SIZE) != 0)
        return -1;
    return init_callback_keys(c, error);
}

int worker_config_load(struct worker_config *c, char error[SETTINGS_ERROR_SIZE])
{
    *c = (struct worker_config){ 0 };
    if (worker_settings_load(&c->settings, error) != 0)
        return -1;
    return worker_config_init(c, error);
}

void worker_config_release(struct worker_config *c)
{
    secrets_release(&c->token_keys);
    secrets_release(&c->callback_keys);
    guard_release(&c->guard);
    providers_release(&c->providers);
    worker_settings_release(&c->settings);
}
