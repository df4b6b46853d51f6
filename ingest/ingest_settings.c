#include "ingest/ingest_settings.h"

#define USE(name, field)                                                       \
    {                                                                          \
        name, offsetof(struct ingest_settings, field)                          \
    }

static const struct setting_use uses[] = {
    USE("REDIS_URL", redis_url),
    USE("SHOTFLEET_INGEST_LISTEN", listen),
    USE("SHOTFLEET_ADMIN_LISTEN", admin_listen),
    USE("SHOTFLEET_INGEST_PROCESSES", processes),
    USE("SHOTFLEET_GRACE_S", grace_s),
    USE("SHOTFLEET_PROVIDERS_DIR", providers_dir),
    USE("SHOTFLEET_WEBHOOK_SECRETS", webhook_secrets),
    USE("SHOTFLEET_TOKEN_SECRETS", token_secrets),
    USE("SHOTFLEET_RETIRED_SECRETS", retired_secrets),
    USE("SHOTFLEET_WEBHOOK_MAX_AGE_S", max_age_s),
    USE("SHOTFLEET_WEBHOOK_MAX_FUTURE_S", max_future_s),
    USE("SHOTFLEET_ALLOWED_IPS", allowed_ips),
    USE("SHOTFLEET_TRUSTED_PROXIES", trusted_proxies),
    USE("SHOTFLEET_MAX_BODY_BYTES", max_body_bytes),
    USE("SHOTFLEET_MAX_HEAD_BYTES", max_head_bytes),
    USE("SHOTFLEET_MAX_CONNECTIONS", max_connections),
    USE("SHOTFLEET_MAX_CONNECTIONS_PER_ADDRESS", max_per_address),
    USE("SHOTFLEET_IDLE_TIMEOUT_S", idle_timeout_s),
    USE("SHOTFLEET_LOG_REFUSALS", log_refusals),
    USE("SHOTFLEET_LOG_SAMPLE", log_sample),
    USE("SHOTFLEET_REDIS_DEADLINE_MS", redis_deadline_ms),
    USE("SHOTFLEET_REDIS_IN_FLIGHT", redis_in_flight),
    USE("SHOTFLEET_REQUIRE_DURABLE", require_durable),
    USE("SHOTFLEET_REDIS_MEMORY_PERCENT", redis_memory_percent),
    USE("SHOTFLEET_STREAM_MAX_LENGTH", stream_max_length),
    USE("SHOTFLEET_STREAM_MAX_AGE_S", stream_max_age_s),
};

void ingest_settings_start(int argc, char **argv, struct ingest_settings *s)
{
    settings_start(
        argc, argv, "shotfleet-ingest",
        "Takes the providers' webhooks: checks them, appends them to "
        "Redis, and only then\nanswers 200.",
        uses, ARRAY_LEN(uses), s);
}

int ingest_settings_load(struct ingest_settings *s,
                         char error[SETTINGS_ERROR_SIZE])
{
    return settings_load(uses, ARRAY_LEN(uses), s, error);
}

void ingest_settings_release(struct ingest_settings *s)
{
    settings_release(uses, ARRAY_LEN(uses), s);
}
