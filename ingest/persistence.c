#include "ingest/persistence.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

/* [name, value] of CONFIG GET; NULL when the server does not say. */
static const char *config_value(const redisReply *reply)
{
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return NULL;
    return reply->element[1]->str;
}

/* Finds fault with a value, NULL for an unknown one; the first fault counts. */
static void expect(struct persistence *p, const char *setting,
                   const char *value, const char *wanted)
{
    if (*p->weakness || (value && strcmp(value, wanted) == 0))
        return;
    if (value)
        snprintf(p->weakness, sizeof p->weakness, "%s is %s, not %s", setting,
                 value, wanted);
    else
        snprintf(p->weakness, sizeof p->weakness,
                 "it does not tell its %s (wanted: %s)", setting, wanted);
}

static void on_appendonly(const redisReply *reply, void *arg)
{
    expect(arg, "appendonly", config_value(reply), "yes");
}

static void on_appendfsync(const redisReply *reply, void *arg)
{
    struct persistence *p = arg;
    const char *value = config_value(reply);

    p->everysec = value && strcmp(value, "everysec") == 0;
    if (!p->everysec)
        expect(p, "appendfsync", value, "always");
}

/* COMMAND INFO WAITAOF: one element, nil where there is no such command. */
static void on_command(const redisReply *reply, void *arg)
{
    struct persistence *p = arg;

    if (!p->everysec)
        return;
    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
        reply->element[0]->type == REDIS_REPLY_ARRAY)
        p->needs_waitaof = true;
    else
        expect(p, "appendfsync", "everysec", "always");
}

static void on_policy(const redisReply *reply, void *arg)
{
    struct persistence *p = arg;

    if (!reply)
        return; /* the connection is gone */
    expect(p, "maxmemory-policy", config_value(reply), "noeviction");
    p->judged(p->arg);
}

static void ask_config(struct persistence *p, const char *setting, redis_fn *fn)
{
    redis_command(p->redis, fn, p, 3,
                  (struct redis_arg[]){ REDIS_TEXT("CONFIG"), REDIS_TEXT("GET"),
                                        REDIS_TEXT(setting) });
}

void persistence_ask(struct persistence *p, struct redis *redis,
                     loop_fn *judged, void *arg)
{
    *p = (struct persistence){ .redis = redis, .judged = judged, .arg = arg };
    ask_config(p, "appendonly", on_appendonly);
    ask_config(p, "appendfsync", on_appendfsync);
    redis_command(redis, on_command, p, 3,
                  (struct redis_arg[]){ REDIS_TEXT("COMMAND"),
                                        REDIS_TEXT("INFO"),
                                        REDIS_TEXT("WAITAOF") });
    ask_config(p, "maxmemory-policy", on_policy);
}
