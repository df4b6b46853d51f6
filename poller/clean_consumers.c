/* What dead workers have left in Redis: their names, once others have claimed
 * their entries, and pending entries that are on no stream any more.
 *
 * In a script, so that nothing happens between the look and the deed: removing
 * a consumer forgets what it has pending.  A living one that is removed while
 * it has nothing pending is there again with its next read.  The ledger's book
 * (common/stream_group.h) is a consumer that never reads, and stays. */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/streams.h"
#include "poller/cleaner.h"

enum {
    /* Silent for so many times the take-over time. */
    PATIENCE = 10,
};

static const char *const streams[] = { STREAM_SUBMIT, STREAM_WEBHOOK,
                                       STREAM_CALLBACK };

static const char script[] =
    "local found, removed = 0, 0\n"
    "local list = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])\n"
    "if list.err then return {0, 0} end\n" /* no stream or no group yet */
    "for _, flat in ipairs(list) do\n"
    "  local c = {}\n"
    "  for i = 1, #flat, 2 do c[flat[i]] = flat[i + 1] end\n"
    "  if c.pending == 0 and c.idle > tonumber(ARGV[2]) and\n"
    "     string.sub(c.name, 1, 7) ~= 'ledger:' then\n"
    "    found = found + 1\n"
    "    if ARGV[3] == '1' then\n"
    "      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], c.name)\n"
    "      removed = removed + 1\n"
    "    end\n"
    "  end\n"
    "end\n"
    "local pending = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', "
    "ARGV[2],\n"
    "                           '-', '+', 1000)\n"
    "for _, p in ipairs(pending) do\n"
    "  if #redis.call('XRANGE', KEYS[1], p[1], p[1]) == 0 then\n"
    "    found = found + 1\n"
    "    if ARGV[3] == '1' then\n"
    "      removed = removed + redis.call('XACK', KEYS[1], ARGV[1], p[1])\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return {found, removed}\n";

struct sweep {
    struct cleaning *cleaning;
    struct clean_step step;
    size_t waiting;
    char error[256];
};

static void one_less(struct sweep *s)
{
    if (--s->waiting > 0)
        return;
    cleaner_step(s->cleaning, &s->step);
    free(s);
}

static void on_swept(const redisReply *reply, void *arg)
{
    struct sweep *s = arg;
    const char *error =
        reply ? redis_reply_error(reply) : "no answer from redis";

    if (error) {
        snprintf(s->error, sizeof s->error, "%s", error);
        s->step.error = s->error;
    } else if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        s->step.found += reply->element[0]->integer;
        s->step.removed += reply->element[1]->integer;
    }
    one_less(s);
}

static void step(struct cleaning *c)
{
    struct sweep *s = mem_zalloc(sizeof *s);
    char idle_ms[24];

    snprintf(idle_ms, sizeof idle_ms, "%" PRId64,
             PATIENCE * c->settings->takeover_s * 1000);
    s->cleaning = c;
    s->waiting = 1; /* so that it is not over while asking */
    for (size_t i = 0; i < shards_count(c->shards); i++) {
        for (size_t k = 0; k < ARRAY_LEN(streams); k++) {
            s->waiting++;
            redis_command(shards_at(c->shards, i), on_swept, s, 7,
                          (struct redis_arg[]){
                              REDIS_TEXT("EVAL"), REDIS_TEXT(script),
                              REDIS_TEXT("1"), REDIS_TEXT(streams[k]),
                              REDIS_TEXT(STREAM_GROUP), REDIS_TEXT(idle_ms),
                              REDIS_TEXT(c->dry_run ? "0" : "1") });
        }
    }
    one_less(s);
}

const struct clean_task clean_consumers = { "consumers", step };
