#include "capture/capture_settings.h"

#define USE(name, field)                                                       \
    {                                                                          \
        name, offsetof(struct capture_settings, field)                         \
    }

static const struct setting_use uses[] = {
    USE("SHOTFLEET_CAPTURE_LISTEN", listen),
    USE("SHOTFLEET_ADMIN_LISTEN", admin_listen),
    USE("SHOTFLEET_CAPTURE_KEYS", keys),
    USE("SHOTFLEET_CAPTURE_PUBLIC_URL", public_url),
    USE("SHOTFLEET_CAPTURE_DIR", dir),
    USE("SHOTFLEET_CAPTURE_CONCURRENCY", concurrency),
    USE("SHOTFLEET_CAPTURE_QUEUE", queue),
    USE("SHOTFLEET_CAPTURE_TIMEOUT_MS", timeout_ms),
    USE("SHOTFLEET_CHROMIUM", chromium),
    USE("SHOTFLEET_CHROMIUM_SANDBOX", sandbox),
    USE("SHOTFLEET_WEBHOOK_SECRETS", webhook_secrets),
    USE("SHOTFLEET_WEBHOOK_URL", webhook_url),
    USE("SHOTFLEET_FETCH_ALLOW", fetch_allow),
    USE("SHOTFLEET_GRACE_S", grace_s),
};

void capture_settings_start(int argc, char **argv, struct capture_settings *s)
{
    settings_start(argc, argv, "shotfleet-capture",
                   "The built-in provider: takes pictures of pages with "
                   "headless Chromium.",
                   uses, ARRAY_LEN(uses), s);
}

void capture_settings_release(struct capture_settings *s)
{
    settings_release(uses, ARRAY_LEN(uses), s);
}
