#include "api/watch.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"

int watch_init(struct api *a, char *error, size_t error_size)
{
    const struct api_settings *s = a->settings;

    if (secrets_parse(&a->watch_keys,
                      *s->token_secrets ? s->token_secrets : s->webhook_secrets,
                      false, error, error_size) != 0)
        return -1;
    secrets_prepare(&a->watch_keys, SIGNATURE_SHA256);
    return 0;
}

void watch_release(struct api *a)
{
    secrets_release(&a->watch_keys);
}

void watch_offer(struct api *a, struct json_object *receipt,
                 enum watch_kind kind, const char *id)
{
    struct watch_claim claim = { .kind = kind };
    char token[WATCH_TOKEN_SIZE];
    char until[CLOCK_TEXT_SIZE];

    if (a->watch_keys.count == 0)
        return;
    snprintf(claim.id, sizeof claim.id, "%s", id);
    claim.expires_s = clock_wall_ms() / 1000 + a->settings->watch_token_s;
    watch_token_make(&a->watch_keys.items[0], &claim, token);
    clock_format(claim.expires_s * 1000, until);
    json_object_object_add(receipt, "watchToken",
                           json_object_new_string(token));
    json_object_object_add(receipt, "watchTokenExpiresAt",
                           json_object_new_string(until));
}

bool watch_read(const struct api *a, const char *token,
                struct watch_claim *claim)
{
    return token && watch_token_check(&a->watch_keys, token,
                                      clock_wall_ms() / 1000, claim);
}

bool watch_permits(const struct api *a, const char *token, enum watch_kind kind,
                   const char *id)
{
    struct watch_claim claim;

    return watch_read(a, token, &claim) && claim.kind == kind &&
           strcasecmp(claim.id, id) == 0;
}
