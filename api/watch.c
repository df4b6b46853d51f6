#include "api/watch.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/body.h"
#include "api/reply.h"
#include "common/clock.h"
#include "common/json.h"

/* In place of the id of a key: of the settings, or none is needed. */
static const char no_key[] = "00000000-0000-0000-0000-000000000000";

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

static bool read_any(const struct api *a, const char *token,
                     struct watch_claim *claim)
{
    return token && watch_token_check(&a->watch_keys, token,
                                      clock_wall_ms() / 1000, claim);
}

bool watch_read(const struct api *a, const char *token,
                struct watch_claim *claim)
{
    return read_any(a, token, claim) && claim->kind != WATCH_PICTURES;
}

bool watch_permits(const struct api *a, const char *token, enum watch_kind kind,
                   const char *id)
{
    struct watch_claim claim;

    return watch_read(a, token, &claim) && claim.kind == kind &&
           strcasecmp(claim.id, id) == 0;
}

bool watch_shows_pictures(const struct api *a, const char *token)
{
    struct watch_claim claim;

    return read_any(a, token, &claim) && claim.kind == WATCH_PICTURES &&
           (strcmp(claim.id, no_key) == 0 || keys_hold(a->keys, claim.id));
}

/* --- handing out */

static const struct {
    const char *member;
    enum watch_kind kind;
} wishes[] = {
    { "jobId", WATCH_CAPTURE },
    { "batchId", WATCH_BATCH },
    { "pictures", WATCH_PICTURES },
};

/* What the one member of the body asks for; false with a complaint. */
static bool read_wish(const struct exchange *x, struct json_object *body,
                      struct watch_claim *claim, struct complaints *c)
{
    size_t i = 0;
    const char *id;

    while (i < ARRAY_LEN(wishes) && !json_at(body, wishes[i].member))
        i++;
    if (i == ARRAY_LEN(wishes) || json_object_object_length(body) != 1) {
        complain(c, "",
                 "the body must be {\"jobId\":ID}, {\"batchId\":ID} or "
                 "{\"pictures\":true}");
        return false;
    }
    claim->kind = wishes[i].kind;
    if (claim->kind == WATCH_PICTURES) {
        id = *x->key ? x->key : no_key;
        if (json_boolean(body, wishes[i].member) != 1)
            complain(c, wishes[i].member, "must be true");
    } else {
        id = json_text(body, wishes[i].member);
        if (!id || !uuid_is_valid(id))
            complain(c, wishes[i].member, "must be an id, which is a UUID");
    }
    if (c->count > 0)
        return false;
    for (size_t n = 0; n < sizeof claim->id; n++) /* the NUL as well */
        claim->id[n] = (char)tolower((unsigned char)id[n]);
    return true;
}

static void answer(struct exchange *x, const struct watch_claim *claim)
{
    struct json_object *o = json_object_new_object();

    watch_offer(x->api, o, claim->kind, claim->id);
    reply_json(x, 200, o, NULL);
}

void watch_hand_out(struct exchange *x)
{
    struct complaints complaints = { 0 };
    struct watch_claim claim;
    struct json_object *body;
    char error[256];
    size_t len = 0;
    const char *ptr = http_body(x->request, &len);

    if (!body_is_json(x))
        return;
    if (x->api->watch_keys.count == 0) {
        reply_problem(x, PROBLEM_WRONG_STATE,
                      "this fleet has no secrets to make tokens with; set "
                      "SHOTFLEET_TOKEN_SECRETS");
        return;
    }
    body = json_parse(ptr, len, error, sizeof error);
    if (!body)
        complain(&complaints, "", "the body is not JSON: %s", error);
    else if (!json_object_is_type(body, json_type_object))
        complain(&complaints, "", "the body must be a JSON object");
    else if (read_wish(x, body, &claim, &complaints))
        answer(x, &claim);
    if (complaints.count > 0)
        reply_complaints(x, &complaints);
    complaints_release(&complaints);
    json_object_put(body);
}
