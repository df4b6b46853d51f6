#include "worker/worker_settings.h"

#define USE(name, field)                                                       \
    {                                                                          \
        name, offsetof(struct worker_settings, field)                          \
    }

static const struct setting_use uses[] = {
    USE("REDIS_URL", redis_url),
    USE("DATABASE_URL", database_url),
    USE("SHOTFLEET_STORAGE", storage),
    S3_SETTINGS(USE, s3),
    USE("SHOTFLEET_ADMIN_LISTEN", admin_listen),
    USE("SHOTFLEET_WORKER_PROCESSES", processes),
    USE("SHOTFLEET_GRACE_S", grace_s),
    USE("SHOTFLEET_TAKEOVER_S", takeover_s),
    USE("SHOTFLEET_PROVIDERS_DIR", providers_dir),
    USE("SHOTFLEET_WEBHOOK_URL", webhook_url),
    USE("SHOTFLEET_WEBHOOK_SECRETS", webhook_secrets),
    USE("SHOTFLEET_TOKEN_SECRETS", token_secrets),
    USE("SHOTFLEET_FETCH_ALLOW", fetch_allow),
    USE("SHOTFLEET_FETCH_TIMEOUT_S", fetch_timeout_s),
    USE("SHOTFLEET_CA_FILE", ca_file),
    USE("SHOTFLEET_CALLBACKS", callbacks),
    USE("SHOTFLEET_CALLBACK_SECRETS", callback_secrets),
    USE("SHOTFLEET_STALE_AFTER_S", stale_after_s),
    USE("SHOTFLEET_PROVIDER_URL", provider_url),
    USE("SHOTFLEET_PROVIDER_KEY", provider_key),
};

void worker_settings_start(int argc, char **argv, struct worker_settings *s)
{
    settings_start(
        argc, argv, "shotfleet-worker",
        "Hands captures to the providers, fetches and stores the "
        "pictures, and records every\nresult once; delivers callbacks.",
        uses, ARRAY_LEN(uses), s);
}

int worker_settings_load(struct worker_settings *s,
                         char error[SETTINGS_ERROR_SIZE])
{
    return settings_load(uses, ARRAY_LEN(uses), s, error);
}

void worker_settings_release(struct worker_settings *s)
{
    settings_release(uses, ARRAY_LEN(uses), s);
}
