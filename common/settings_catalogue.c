/* The catalogue: every setting of every program, described once. */
#include "common/settings.h"

#include <stdint.h>

#include "common/limits.h"

#define KIB (INT64_C(1) << 10)
#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)

#define TEXT(name, fallback, help)                                             \
    {                                                                          \
        name, SETTING_TEXT, fallback, 0, 0, help                               \
    }
#define SECRET(name, help)                                                     \
    {                                                                          \
        name, SETTING_SECRET, NULL, 0, 0, help                                 \
    }
#define LIST(name, help)                                                       \
    {                                                                          \
        name, SETTING_LIST, NULL, 0, 0, help                                   \
    }
#define NUMBER(name, fallback, min, max, help)                                 \
    {                                                                          \
        name, SETTING_NUMBER, fallback, min, max, help                         \
    }
#define SWITCH(name, fallback, help)                                           \
    {                                                                          \
        name, SETTING_SWITCH, fallback, 0, 0, help                             \
    }
#define BYTES(name, fallback, min, max, help)                                  \
    {                                                                          \
        name, SETTING_BYTES, fallback, min, max, help                          \
    }

static const struct setting catalogue[] = {
    /* stores */
    TEXT("REDIS_URL", "redis://127.0.0.1:6379/0",
         "Redis that holds the streams: redis://[:password@]host:port/db or "
         "unix:/path; several, comma separated, share the load"),
    TEXT("DATABASE_URL", "postgresql:///shotfleet",
         "PostgreSQL that holds the jobs: any libpq connection string"),
    TEXT("SHOTFLEET_STORAGE", "file:///var/lib/shotfleet",
         "where pictures are kept: file:///absolute/folder, or "
         "s3://bucket/prefix with the AWS_ settings"),
    TEXT("AWS_ENDPOINT_URL", NULL,
         "an S3-compatible storage: http(s)://host:port; empty: Amazon's, in "
         "the region"),
    TEXT("AWS_ENDPOINT_URL_S3", NULL, "goes before AWS_ENDPOINT_URL"),
    TEXT("AWS_REGION", "us-east-1", "region of the S3 storage"),
    SECRET("AWS_ACCESS_KEY_ID", "who the S3 storage knows us as"),
    SECRET("AWS_SECRET_ACCESS_KEY", "the key that goes with it"),
    SECRET("AWS_SESSION_TOKEN",
           "of temporary S3 credentials, to be read again on SIGHUP"),

    /* listening */
    TEXT("SHOTFLEET_INGEST_LISTEN", "127.0.0.1:8081",
         "address:port where ingest takes webhooks"),
    TEXT("SHOTFLEET_API_LISTEN", "127.0.0.1:8080",
         "address:port where api serves users"),
    TEXT("SHOTFLEET_CAPTURE_LISTEN", "127.0.0.1:8082",
         "address:port where the built-in provider listens"),
    TEXT(
        "SHOTFLEET_ADMIN_LISTEN", NULL,
        "address:port of this program's /healthz, /readyz and /metrics; empty: "
        "none"),

    /* processes */
    NUMBER("SHOTFLEET_INGEST_PROCESSES", "0", 0, 256,
           "ingest processes; 0: one per processor"),
    NUMBER("SHOTFLEET_WORKER_PROCESSES", "0", 0, 256,
           "worker processes; 0: one per processor"),
    NUMBER("SHOTFLEET_GRACE_S", "20", 1, 600,
           "seconds that work in hand gets after SIGTERM"),
    NUMBER("SHOTFLEET_TAKEOVER_S", "30", 1, 3600,
           "seconds after which a silent worker's entries are taken over"),

    /* providers and webhooks */
    TEXT("SHOTFLEET_PROVIDER", "screenshotly",
         "profile that captures go to unless they name another"),
    TEXT("SHOTFLEET_PROVIDERS_DIR", "/usr/share/shotfleet/providers",
         "folder of provider profiles (NAME.json)"),
    TEXT("SHOTFLEET_PROVIDER_URL", NULL,
         "base URL instead of the profile's; also per profile: "
         "SHOTFLEET_PROVIDER_URL_<PROFILE>"),
    SECRET("SHOTFLEET_PROVIDER_KEY",
           "API key for the provider; also per profile: "
           "SHOTFLEET_PROVIDER_KEY_<PROFILE>"),
    TEXT("SHOTFLEET_WEBHOOK_URL", "http://127.0.0.1:8081",
         "where providers reach ingest; /webhooks/<profile> is added"),
    SECRET("SHOTFLEET_WEBHOOK_SECRETS",
           "webhook signing keys, newest first, comma separated, all valid; "
           "also per profile: SHOTFLEET_WEBHOOK_SECRETS_<PROFILE>"),
    SECRET("SHOTFLEET_TOKEN_SECRETS",
           "keys of the per-job token in webhook URLs and of watch tokens, "
           "newest first; empty: the webhook secrets"),
    SECRET(
        "SHOTFLEET_RETIRED_SECRETS",
        "webhook signing keys that are valid no more, to be recognised where a "
        "refusal is explained; also per profile: "
        "SHOTFLEET_RETIRED_SECRETS_<PROFILE>"),
    NUMBER("SHOTFLEET_WEBHOOK_MAX_AGE_S", "300", 1, 86400,
           "oldest webhook timestamp that is accepted, in seconds"),
    NUMBER("SHOTFLEET_WEBHOOK_MAX_FUTURE_S", "60", 0, 86400,
           "how far ahead a webhook timestamp may be, in seconds"),
    LIST("SHOTFLEET_ALLOWED_IPS",
         "address ranges that may send webhooks (CIDR list); empty: all"),
    LIST(
        "SHOTFLEET_TRUSTED_PROXIES",
        "address ranges whose Forwarded and X-Forwarded-For are believed (CIDR "
        "list)"),
    BYTES("SHOTFLEET_MAX_BODY_BYTES", "1MiB", 1 * KIB, 64 * MIB,
          "largest request body"),
    BYTES("SHOTFLEET_MAX_HEAD_BYTES", "4KiB", 2 * KIB, 16 * KIB,
          "largest request line with headers; each open connection takes about "
          "twice as much memory"),
    NUMBER("SHOTFLEET_MAX_CONNECTIONS", "10000", 16, 1000000,
           "open connections of one process; more wait"),
    NUMBER("SHOTFLEET_MAX_CONNECTIONS_PER_ADDRESS", "256", 0, 1000000,
           "open connections of one process with one address (IPv6: one /64) "
           "that is no trusted proxy; 0: any number"),
    NUMBER("SHOTFLEET_IDLE_TIMEOUT_S", "75", 1, 3600,
           "seconds after which a silent connection is closed; should be more "
           "than a load balancer's own"),

    NUMBER("SHOTFLEET_REDIS_DEADLINE_MS", "1000", 50, 60000,
           "milliseconds that Redis gets to append a webhook; then 503"),
    NUMBER("SHOTFLEET_REDIS_IN_FLIGHT", "5000", 1, 1000000,
           "webhooks of one process that one Redis has not answered yet, from "
           "which more get 503"),
    SWITCH("SHOTFLEET_REQUIRE_DURABLE", "off",
           "refuse webhooks unless Redis has appendonly yes, appendfsync "
           "always (from Redis 7.2 on also everysec) and noeviction; off: only "
           "warn"),
    NUMBER("SHOTFLEET_REDIS_MEMORY_PERCENT", "90", 1, 100,
           "share of Redis's maxmemory from which webhooks get 503"),
    NUMBER("SHOTFLEET_STREAM_MAX_LENGTH", "1000000", 0, 1000000000,
           "waiting webhooks from which more get 503; 0: any number"),
    NUMBER("SHOTFLEET_STREAM_MAX_AGE_S", "3600", 0, 7 * 86400,
           "age of the oldest waiting webhook from which more get 503; 0: any"),

    /* jobs */
    NUMBER("SHOTFLEET_POLL_INTERVAL_S", "1", 1, 3600,
           "seconds between two looks of the poller for what is due: retries, "
           "callbacks, silent captures; submit_capture() wakes it at once"),
    NUMBER("SHOTFLEET_STALE_AFTER_S", "60", 1, 86400,
           "seconds after which the provider is asked about a silent job"),
    NUMBER("SHOTFLEET_MAX_ATTEMPTS", "3", 1, 100,
           "how often a capture is submitted before it counts as failed"),
    NUMBER("SHOTFLEET_JOB_DEADLINE_S", "900", 10, 7 * 86400,
           "seconds from submission after which a job fails with DEADLINE"),

    /* callbacks */
    SWITCH("SHOTFLEET_CALLBACKS", "off",
           "captures may have a callbackUrl, which is called when they end; "
           "needs SHOTFLEET_CALLBACK_SECRETS"),
    SECRET("SHOTFLEET_CALLBACK_SECRETS",
           "keys that sign callbacks (whsec_ and base64, or raw), newest "
           "first, comma separated; all sign"),

    /* what is forgotten */
    NUMBER("SHOTFLEET_RETAIN_JOBS_DAYS", "0", 0, 36500,
           "days after which a capture that has ended is removed, with its "
           "picture; 0: never"),
    NUMBER(
        "SHOTFLEET_RETAIN_PICTURES_DAYS", "0", 0, 36500,
        "days after which a picture is removed; its capture stays; 0: never"),
    BYTES("SHOTFLEET_RETAIN_PICTURES_BYTES", "0", 0, 1024 * 1024 * GIB,
          "size of all pictures from which the oldest are removed; 0: any"),
    NUMBER("SHOTFLEET_RETAIN_DELIVERIES_DAYS", "0", 0, 36500,
           "days after which the record of what came is removed; 0: never"),
    NUMBER("SHOTFLEET_RETAIN_DEAD_LETTERS_DAYS", "0", 0, 36500,
           "days after which a dead letter is removed that was resolved; 0: "
           "never"),
    NUMBER("SHOTFLEET_RETAIN_CALLBACKS_DAYS", "0", 0, 36500,
           "days after which a callback is removed that was delivered or given "
           "up; 0: never"),
    SWITCH("SHOTFLEET_REMOVE_ORPHANS", "off",
           "remove pictures in the storage that belong to no capture in the "
           "database; off: `shotfleet clean --dry-run` counts them"),

    /* outbound */
    TEXT("SHOTFLEET_FETCH_ALLOW", NULL,
         "address ranges that fetches may reach besides public ones: CIDR "
         "list, each with an optional :port"),
    NUMBER("SHOTFLEET_FETCH_TIMEOUT_S", "60", 1, 3600,
           "seconds that fetching a picture may take, redirects included"),
    TEXT("SHOTFLEET_CA_FILE", NULL,
         "file of certificates (PEM) that HTTPS servers may be signed by, "
         "besides the system's; such as a company's own authority"),

    /* users */
    SECRET("SHOTFLEET_API_KEYS",
           "keys that may do everything, comma separated; others are made with "
           "`shotfleet keys`; empty: none, and api listens on loopback only"),
    TEXT("SHOTFLEET_CORS_ORIGINS", "",
         "origins whose pages may call api, comma separated, such as "
         "https://app.example; * for all, which needs keys"),
    NUMBER("SHOTFLEET_WATCH_TOKEN_S", "3600", 1, 7 * 86400,
           "seconds that a watch token is good for; a receipt has one, to "
           "follow that capture without a key"),
    NUMBER("SHOTFLEET_LIVE_CLIENTS", "10000", 1, 1000000,
           "streams of events and WebSockets open at one api process; more "
           "get 503"),
    TEXT("SHOTFLEET_API_URL", "http://127.0.0.1:8080",
         "where the shotfleet command reaches api"),
    SECRET("SHOTFLEET_API_KEY", "key that the shotfleet command sends"),

    /* the built-in provider */
    SECRET("SHOTFLEET_CAPTURE_KEYS",
           "API keys of the built-in provider, comma separated; empty: none, "
           "and it listens on loopback only"),
    TEXT("SHOTFLEET_CAPTURE_PUBLIC_URL", NULL,
         "base of the picture URLs that it hands out; empty: its listen "
         "address"),
    TEXT("SHOTFLEET_CAPTURE_DIR", "/var/lib/shotfleet/capture",
         "folder for its pictures (kept 24 h) and Chromium's profile"),
    NUMBER("SHOTFLEET_CAPTURE_CONCURRENCY", "2", 1, 32,
           "pages rendered at the same time"),
    NUMBER("SHOTFLEET_CAPTURE_QUEUE", "200", 1, 100000,
           "captures that may wait; more get 429"),
    NUMBER("SHOTFLEET_CAPTURE_TIMEOUT_MS", "30000", 1000, LIMIT_CAPTURE_MS,
           "milliseconds for a capture that names no `timeout` of its own"),
    TEXT("SHOTFLEET_CHROMIUM", NULL,
         "path of Chromium; empty: chromium-headless-shell, else chromium"),
    TEXT("SHOTFLEET_CHROMIUM_SANDBOX", "auto", "on, off, or auto"),

    /* log */
    TEXT("SHOTFLEET_LOG_LEVEL", "info", "debug, info, warning or error"),
    TEXT("SHOTFLEET_LOG_FORMAT", "text", "text (key=value) or json"),
    NUMBER("SHOTFLEET_LOG_REFUSALS", "10", 0, 100000,
           "lines about refused requests that an ingest process writes in a "
           "second; it tells how many there were beyond"),
    NUMBER("SHOTFLEET_LOG_SAMPLE", "100", 0, 1000000000,
           "one accepted webhook in so many gets a log line; 0: none"),
    { 0 },
};

const struct setting *settings_catalogue(void)
{
    return catalogue;
}
