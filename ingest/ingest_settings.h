/* ingest_settings.h - the settings of shotfleet-ingest. */
#ifndef INGEST_SETTINGS_H
#define INGEST_SETTINGS_H

#include "common/settings.h"

struct ingest_settings {
    char *redis_url;
    char *listen;
    char *admin_listen;
    int64_t processes; /* 0: one per processor */
    int64_t grace_s;
    char *providers_dir;
    char *webhook_secrets;
    char *token_secrets;
    char *retired_secrets;
    int64_t max_age_s, max_future_s;
    char *allowed_ips;
    char *trusted_proxies;
    int64_t max_body_bytes;
    int64_t max_head_bytes;
    int64_t max_connections;
    int64_t max_per_address; /* 0: any */
    int64_t idle_timeout_s;
    int64_t log_refusals; /* lines a second */
    int64_t log_sample;   /* 0: none */
    int64_t redis_deadline_ms;
    int64_t redis_in_flight;
    bool require_durable;
    int64_t redis_memory_percent;
    int64_t stream_max_length; /* 0: any */
    int64_t stream_max_age_s;  /* 0: any */
};

/* Ends the program when something is wrong, see settings_start(). */
void ingest_settings_start(int argc, char **argv, struct ingest_settings *s);
/* The same again, in a running process; see settings_load(). */
MUST_USE int ingest_settings_load(struct ingest_settings *s,
                                  char error[SETTINGS_ERROR_SIZE]);
void ingest_settings_release(struct ingest_settings *s);

#endif
