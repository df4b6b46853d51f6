#include "api/live_entries.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "common/token.h"

/* The value of the field `job`; "" when the entry is none of ours. */
static const char *job_of(const redisReply *entry)
{
    const redisReply *fields = entry->element[1];

    if (fields->type != REDIS_REPLY_ARRAY)
        return "";
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const redisReply *name = fields->element[i];
        const redisReply *value = fields->element[i + 1];

        if (name->type == REDIS_REPLY_STRING &&
            value->type == REDIS_REPLY_STRING && strcmp(name->str, "job") == 0)
            return uuid_is_valid(value->str) ? value->str : "";
    }
    return "";
}

bool live_entry_id(const struct redisReply *entry, struct entry_id *id)
{
    return entry->type == REDIS_REPLY_ARRAY && entry->elements == 2 &&
           entry->element[0]->type == REDIS_REPLY_STRING &&
           entry_id_parse(entry->element[0]->str, id) > 0;
}

/* [[stream, [entry…]]] of XREAD; NULL when nothing came. */
static const redisReply *entries_of(const redisReply *reply)
{
    const redisReply *stream;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0)
        return NULL;
    stream = reply->element[0];
    if (stream->type != REDIS_REPLY_ARRAY || stream->elements != 2 ||
        stream->element[1]->type != REDIS_REPLY_ARRAY)
        return NULL;
    return stream->element[1];
}

size_t live_entries_read(const struct redisReply *reply, struct live_entry *out,
                         size_t max)
{
    const redisReply *entries = entries_of(reply);
    size_t count = 0;

    for (size_t i = 0; entries && i < entries->elements && count < max; i++) {
        const redisReply *entry = entries->element[i];

        if (!live_entry_id(entry, &out[count].id))
            continue;
        snprintf(out[count].job, sizeof out[count].job, "%s", job_of(entry));
        count++;
    }
    return count;
}
