#include "worker/callback.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/signature.h"

static const struct signature_scheme standard_webhooks = {
    .layout = SIGNATURE_LIST,
    .algorithm = SIGNATURE_SHA256,
    .encoding = SIGNATURE_BASE64,
    .prefix = "v1",
    .template = "{id}.{timestamp}.{body}",
    .unit = TIMESTAMP_SECONDS,
};

const char *callback_outcome_name(enum callback_outcome o)
{
    static const char *const names[] = {
        [CALLBACK_DELIVERED] = "delivered",
        [CALLBACK_FAILED] = "failed",
        [CALLBACK_POSTPONED] = "postponed",
        [CALLBACK_STOPPED] = "stopped",
    };

    return names[o];
}

char *callback_body(const char *type, const char *timestamp,
                    const char *document)
{
    return mem_format("{\"type\":\"%s\",\"timestamp\":\"%s\",\"data\":%s}",
                      type, timestamp, document);
}

char *callback_signature(const struct secrets *keys, const char *id,
                         int64_t unix_s, const char *body)
{
    char *all = mem_strdup("");
    char timestamp[24];

    snprintf(timestamp, sizeof timestamp, "%" PRId64, unix_s);
    for (size_t i = 0; i < keys->count; i++) {
        char *one = signature_make(&standard_webhooks, &keys->items[i], id,
                                   timestamp, body, strlen(body));
        char *longer = mem_format("%s%s%s", all, *all ? " " : "", one);

        free(one);
        free(all);
        all = longer;
    }
    return all;
}

enum callback_outcome callback_judge(const struct http_answer *answer,
                                     char *error, size_t error_size)
{
    snprintf(error, error_size, "%s", answer->error);
    if (answer->failure == HTTP_BLOCKED || answer->failure == HTTP_BAD_URL)
        return CALLBACK_STOPPED; /* time does not mend it */
    if (answer->failure != HTTP_OK)
        return CALLBACK_FAILED;
    if (answer->status >= 200 && answer->status <= 299)
        return CALLBACK_DELIVERED;
    snprintf(error, error_size, "HTTP %u", answer->status);
    return answer->status == 410 ? CALLBACK_STOPPED : CALLBACK_FAILED;
}
