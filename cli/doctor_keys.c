#include "cli/doctor_keys.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define USE(name, field)                                                       \
    {                                                                          \
        name, offsetof(struct doctor_settings, field)                          \
    }

const struct setting_use doctor_settings[DOCTOR_SETTINGS] = {
    USE("SHOTFLEET_PROVIDERS_DIR", providers_dir),
    USE("SHOTFLEET_WEBHOOK_SECRETS", webhook_secrets),
    USE("SHOTFLEET_TOKEN_SECRETS", token_secrets),
    USE("SHOTFLEET_RETIRED_SECRETS", retired_secrets),
    USE("SHOTFLEET_WEBHOOK_MAX_AGE_S", max_age_s),
    USE("SHOTFLEET_WEBHOOK_MAX_FUTURE_S", max_future_s),
    USE("SHOTFLEET_MAX_BODY_BYTES", max_body_bytes),
    USE("SHOTFLEET_ADMIN_LISTEN", admin_listen),
};

static int parse_for(struct secrets *out, const char *setting,
                     const struct profile *p, char error[SETTINGS_ERROR_SIZE])
{
    char *list = settings_for_profile(setting, p->name, error);
    int rc = -1;

    *out = (struct secrets){ 0 };
    if (!list)
        return -1;
    rc = secrets_parse(out, list, p->webhook.decode_whsec, error,
                       SETTINGS_ERROR_SIZE);
    explicit_bzero(list, strlen(list));
    free(list);
    return rc;
}

/* Takes the keys and the name. */
static void add_ring(struct doctor_keys *k, struct secrets keys, char *name)
{
    size_t n = k->ring_count++;

    k->ring_keys = mem_resize_array(k->ring_keys, n + 1, sizeof keys);
    k->names = mem_resize_array(k->names, n + 1, sizeof *k->names);
    k->ring_keys[n] = keys;
    k->names[n] = name;
}

/* Profiles without secrets of their own share the general ones. */
static void add_profiles(struct doctor_keys *k, const struct profiles *profiles,
                         const struct profile *provider)
{
    char error[SETTINGS_ERROR_SIZE];

    for (size_t i = 0; i < profiles->count; i++) {
        const struct profile *p = &profiles->items[i];
        struct secrets keys = { 0 };

        if (p == provider)
            continue;
        if (parse_for(&keys, "SHOTFLEET_WEBHOOK_SECRETS", p, error) != 0)
            continue; /* not what is asked about */
        if (secrets_equal(&keys, &k->own))
            secrets_release(&keys);
        else
            add_ring(k, keys, mem_format("profile \"%s\"", p->name));
    }
}

static int add_list(struct doctor_keys *k, const char *list,
                    const struct profile *provider, const char *name,
                    char error[SETTINGS_ERROR_SIZE])
{
    struct secrets keys = { 0 };

    if (secrets_parse(&keys, list, provider->webhook.decode_whsec, error,
                      SETTINGS_ERROR_SIZE) != 0)
        return -1;
    add_ring(k, keys, mem_strdup(name));
    return 0;
}

int doctor_keys_load(struct doctor_keys *k, const struct doctor_settings *s,
                     const struct profiles *profiles,
                     const struct profile *provider,
                     char error[SETTINGS_ERROR_SIZE])
{
    const char *tokens =
        *s->token_secrets ? s->token_secrets : s->webhook_secrets;
    struct secrets retired = { 0 };

    *k = (struct doctor_keys){ 0 };
    if (parse_for(&k->own, "SHOTFLEET_WEBHOOK_SECRETS", provider, error) != 0 ||
        secrets_parse(&k->tokens, tokens, false, error, SETTINGS_ERROR_SIZE) !=
            0 ||
        parse_for(&retired, "SHOTFLEET_RETIRED_SECRETS", provider, error) != 0)
        return -1;
    add_ring(k, retired, mem_strdup("SHOTFLEET_RETIRED_SECRETS"));
    if (add_list(k, s->webhook_secrets, provider, "SHOTFLEET_WEBHOOK_SECRETS",
                 error) != 0 ||
        add_list(k, s->token_secrets, provider, "SHOTFLEET_TOKEN_SECRETS",
                 error) != 0)
        return -1;
    add_profiles(k, profiles, provider);
    k->rings = mem_resize_array(NULL, k->ring_count, sizeof *k->rings);
    for (size_t i = 0; i < k->ring_count; i++)
        k->rings[i] = (struct key_ring){ k->names[i], &k->ring_keys[i] };
    return 0;
}

void doctor_keys_release(struct doctor_keys *k)
{
    for (size_t i = 0; i < k->ring_count; i++) {
        secrets_release(&k->ring_keys[i]);
        free(k->names[i]);
    }
    free(k->ring_keys);
    free(k->names);
    free(k->rings);
    secrets_release(&k->own);
    secrets_release(&k->tokens);
    *k = (struct doctor_keys){ 0 };
}
