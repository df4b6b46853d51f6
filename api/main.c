/* shotfleet-api: the users' edge. */
#include <stddef.h>

#include "api/api.h"
#include "common/log.h"
#include "common/settings.h"

#define USE(name, field)                                                       \
    {                                                                          \
        name, offsetof(struct api_settings, field)                             \
    }

static const struct setting_use uses[] = {
    USE("REDIS_URL", redis_url),
    USE("DATABASE_URL", database_url),
    USE("SHOTFLEET_API_LISTEN", listen),
    USE("SHOTFLEET_API_KEYS", keys),
    USE("SHOTFLEET_CORS_ORIGINS", cors_origins),
    USE("SHOTFLEET_TOKEN_SECRETS", token_secrets),
    USE("SHOTFLEET_WEBHOOK_SECRETS", webhook_secrets),
    USE("SHOTFLEET_WATCH_TOKEN_S", watch_token_s),
    USE("SHOTFLEET_LIVE_CLIENTS", live_clients),
    USE("SHOTFLEET_STORAGE", storage),
    S3_SETTINGS(USE, s3),
    USE("SHOTFLEET_PROVIDERS_DIR", providers_dir),
    USE("SHOTFLEET_MAX_BODY_BYTES", max_body_bytes),
    USE("SHOTFLEET_CALLBACKS", callbacks),
    USE("SHOTFLEET_ADMIN_LISTEN", admin_listen),
    USE("SHOTFLEET_GRACE_S", grace_s),
};

int main(int argc, char **argv)
{
    struct api_settings settings = { 0 };
    struct api api;
    char error[SETTINGS_ERROR_SIZE] = "";
    int code = 0;

    settings_start(argc, argv, "shotfleet-api",
                   "Takes captures from users, tells them what became of them, "
                   "and serves the page.",
                   uses, ARRAY_LEN(uses), &settings);
    if (api_init(&api, &settings, error, sizeof error) == 0) {
        api_run(&api);
    } else {
        log_error(NULL, "%s", error);
        code = EXIT_CONFIG;
    }
    api_release(&api);
    settings_release(uses, ARRAY_LEN(uses), &settings);
    return code;
}
