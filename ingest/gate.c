#include "ingest/gate.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"

/* A profile whose webhooks nobody could check is open to nobody. */
static void warn_if_closed(const struct profile *p, const struct secrets *keys)
{
    if (p->webhook.auth != WEBHOOK_URL_TOKEN && keys->count == 0)
        log_warning(LOG_WITH({ "provider", p->name }),
                    "webhooks of this provider are refused: it has no secret; "
                    "set SHOTFLEET_WEBHOOK_SECRETS");
}

static int load_secrets(struct gate *g, char error[SETTINGS_ERROR_SIZE])
{
    g->secrets = mem_zalloc(g->profiles.count * sizeof *g->secrets);
    for (size_t i = 0; i < g->profiles.count; i++) {
        const struct profile *p = &g->profiles.items[i];
        char *list =
            settings_for_profile("SHOTFLEET_WEBHOOK_SECRETS", p->name, error);
        int rc;

        if (!list)
            return -1;
        rc = secrets_parse(&g->secrets[i], list, p->webhook.decode_whsec, error,
                           SETTINGS_ERROR_SIZE);
        explicit_bzero(list, strlen(list));
        free(list);
        if (rc != 0)
            return -1;
        if (p->webhook.auth == WEBHOOK_HMAC)
            secrets_prepare(&g->secrets[i], p->webhook.scheme.algorithm);
        warn_if_closed(p, &g->secrets[i]);
    }
    return 0;
}

int gate_init(struct gate *g, const struct ingest_settings *s,
              char error[SETTINGS_ERROR_SIZE])
{
    const char *tokens =
        *s->token_secrets ? s->token_secrets : s->webhook_secrets;

    *g = (struct gate){ .max_age_ms = s->max_age_s * 1000,
                        .max_future_ms = s->max_future_s * 1000 };
    if (profiles_load(&g->profiles, s->providers_dir, error,
                      SETTINGS_ERROR_SIZE) != 0 ||
        load_secrets(g, error) != 0 ||
        secrets_parse(&g->token_keys, tokens, false, error,
                      SETTINGS_ERROR_SIZE) != 0 ||
        ranges_parse(&g->allowed, s->allowed_ips, error, SETTINGS_ERROR_SIZE) !=
            0 ||
        ranges_parse(&g->trusted_proxies, s->trusted_proxies, error,
                     SETTINGS_ERROR_SIZE) != 0)
        return -1;
    secrets_prepare(&g->token_keys, SIGNATURE_SHA256); /* token.h */
    return 0;
}

int gate_reload(struct gate *g, char error[SETTINGS_ERROR_SIZE])
{
    struct ingest_settings fresh = { 0 };
    int rc = ingest_settings_load(&fresh, error);

    *g = (struct gate){ 0 };
    if (rc == 0)
        rc = gate_init(g, &fresh, error);
    ingest_settings_release(&fresh);
    return rc;
}

void gate_release(struct gate *g)
{
    for (size_t i = 0; g->secrets && i < g->profiles.count; i++)
        secrets_release(&g->secrets[i]);
    free(g->secrets);
    profiles_release(&g->profiles);
    secrets_release(&g->token_keys);
    ranges_release(&g->allowed);
    ranges_release(&g->trusted_proxies);
    *g = (struct gate){ 0 };
}

const struct secrets *gate_secrets(const struct gate *g,
                                   const struct profile *profile)
{
    return &g->secrets[profile - g->profiles.items];
}
