#include "poller/poller_settings.h"

#define USE(name, field)                                                       \
    {                                                                          \
        name, offsetof(struct poller_settings, field)                          \
    }

static const struct setting_use uses[] = {
    USE("REDIS_URL", redis_url),
    USE("DATABASE_URL", database_url),
    USE("SHOTFLEET_ADMIN_LISTEN", admin_listen),
    USE("SHOTFLEET_PROVIDERS_DIR", providers_dir),
    USE("SHOTFLEET_CA_FILE", ca_file),
    USE("SHOTFLEET_PROVIDER_URL", provider_url),
    USE("SHOTFLEET_PROVIDER_KEY", provider_key),
    USE("SHOTFLEET_POLL_INTERVAL_S", poll_interval_s),
    USE("SHOTFLEET_STALE_AFTER_S", stale_after_s),
    USE("SHOTFLEET_STORAGE", storage),
    S3_SETTINGS(USE, s3),
    USE("SHOTFLEET_TAKEOVER_S", takeover_s),
    USE("SHOTFLEET_RETAIN_JOBS_DAYS", retain_jobs_days),
    USE("SHOTFLEET_RETAIN_PICTURES_DAYS", retain_pictures_days),
    USE("SHOTFLEET_RETAIN_PICTURES_BYTES", retain_pictures_bytes),
    USE("SHOTFLEET_RETAIN_DELIVERIES_DAYS", retain_deliveries_days),
    USE("SHOTFLEET_RETAIN_DEAD_LETTERS_DAYS", retain_dead_letters_days),
    USE("SHOTFLEET_RETAIN_CALLBACKS_DAYS", retain_callbacks_days),
    USE("SHOTFLEET_REMOVE_ORPHANS", remove_orphans),
};

void poller_settings_start(int argc, char **argv, struct poller_settings *s)
{
    settings_start(argc, argv, "shotfleet-poller",
                   "Finds the jobs that nobody speaks of any more: asks the "
                   "provider, queues again what\nwas lost, feeds dead letters "
                   "back, queues callbacks.  Never records a result itself.",
                   uses, ARRAY_LEN(uses), s);
}

void poller_settings_release(struct poller_settings *s)
{
    settings_release(uses, ARRAY_LEN(uses), s);
}
