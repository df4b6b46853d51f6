#include "worker/worker_config.h"

#include <string.h>

static void trim_slashes(char *url)
{
    for (size_t n = strlen(url); n > 0 && url[n - 1] == '/';)
        url[--n] = '\0';
}

int worker_config_init(struct worker_config *c, char error[SETTINGS_ERROR_SIZE])
{
    const struct worker_settings *s = &c->settings;
    const char *tokens =
        *s->token_secrets ? s->token_secrets : s->webhook_secrets;

    trim_slashes(s->webhook_url);
    if (providers_load(&c->providers, s->providers_dir, error) != 0 ||
        guard_init(&c->guard, s->fetch_allow, error, SETTINGS_ERROR_SIZE) != 0)
        return -1;
    return secrets_parse(&c->token_keys, tokens, false, error,
                         SETTINGS_ERROR_SIZE);
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
    guard_release(&c->guard);
    providers_release(&c->providers);
    worker_settings_release(&c->settings);
}
