#include "ingest/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"

/* -1 with `error` only for secrets that are meant for this profile; general
 * ones that it cannot use leave it without any. */
static int load_secrets_of(struct secrets *out, const struct profile *p,
                           const char *setting, const char *general,
                           char error[SETTINGS_ERROR_SIZE])
{
    char *list = settings_for_profile(setting, p->name, error);
    char reason[128];
    int rc = 0;

    if (!list)
        return -1;
    if (secrets_parse(out, list, p->webhook.decode_whsec, reason,
                      sizeof reason) != 0 &&
        strcmp(list, general) != 0) {
        snprintf(error, SETTINGS_ERROR_SIZE, "%s of provider \"%s\": %s",
                 setting, p->name, reason);
        rc = -1;
    }
    explicit_bzero(list, strlen(list));
    free(list);
    if (rc == 0 && p->webhook.auth == WEBHOOK_HMAC)
        secrets_prepare(out, p->webhook.scheme.algorithm);
    return rc;
}

static int load_secrets(struct secrets **out, const struct profiles *profiles,
                        const char *setting, const char *general,
                        char error[SETTINGS_ERROR_SIZE])
{
    *out = mem_zalloc(profiles->count * sizeof **out);
    for (size_t i = 0; i < profiles->count; i++) {
        if (load_secrets_of(&(*out)[i], &profiles->items[i], setting, general,
                            error) != 0)
            return -1;
    }
    return 0;
}

static void release_secrets(struct secrets *list, size_t count)
{
    for (size_t i = 0; list && i < count; i++)
        secrets_release(&list[i]);
    free(list);
}

static bool is_closed(const struct gate *g, const struct profile *p)
{
    if (p->webhook.require_token && g->token_keys.count == 0)
        return true;
    return p->webhook.auth != WEBHOOK_URL_TOKEN &&
           gate_secrets(g, p)->count == 0;
}

/* A profile whose webhooks nobody could check is open to nobody. */
static void warn_of_closed(const struct gate *g)
{
    enum { NAMES_MAX_BYTES = 1024 };
    struct buf names;
    int cut = 0;

    buf_init(&names, NAMES_MAX_BYTES);
    for (size_t i = 0; i < g->profiles.count && cut == 0; i++) {
        if (is_closed(g, &g->profiles.items[i]))
            cut = buf_printf(&names, "%s%s", names.len > 0 ? "," : "",
                             g->profiles.items[i].name);
    }
    if (names.len > 0)
        log_warning(LOG_WITH({ "providers", names.data }),
                    "webhooks of these providers are refused: they have no "
                    "secret that they can use; set SHOTFLEET_WEBHOOK_SECRETS, "
                    "or the same with a "
                    "provider's name behind it");
    buf_release(&names);
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
        load_secrets(&g->secrets, &g->profiles, "SHOTFLEET_WEBHOOK_SECRETS",
                     s->webhook_secrets, error) != 0 ||
        load_secrets(&g->retired, &g->profiles, "SHOTFLEET_RETIRED_SECRETS",
                     s->retired_secrets, error) != 0 ||
        secrets_parse(&g->token_keys, tokens, false, error,
                      SETTINGS_ERROR_SIZE) != 0 ||
        ranges_parse(&g->allowed, s->allowed_ips, error, SETTINGS_ERROR_SIZE) !=
            0 ||
        ranges_parse(&g->trusted_proxies, s->trusted_proxies, error,
                     SETTINGS_ERROR_SIZE) != 0)
        return -1;
    secrets_prepare(&g->token_keys, SIGNATURE_SHA256); /* token.h */
    warn_of_closed(g);
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
    release_secrets(g->secrets, g->profiles.count);
    release_secrets(g->retired, g->profiles.count);
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

const struct secrets *gate_retired(const struct gate *g,
                                   const struct profile *profile)
{
    return &g->retired[profile - g->profiles.items];
}
