#include "common/stream_group.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/streams.h"

/* KEYS: the stream; ARGV: the group, how many pending ids. */
static const char script[] =
    "local stream, group = KEYS[1], ARGV[1] "
    "local function fields(flat) "
    "  local named = {} "
    "  for i = 1, #flat, 2 do named[flat[i]] = flat[i + 1] end "
    "  return named "
    "end "
    "local function find() "
    "  local groups = redis.pcall('XINFO', 'GROUPS', stream) "
    "  for _, flat in ipairs(groups.err and {} or groups) do "
    "    local g = fields(flat) "
    "    if g.name == group then return g end "
    "  end "
    "end "
    "local g, new = find(), false "
    "if not g then "
    "  local made = redis.pcall('XGROUP', 'CREATE', stream, group, '0', "
    "                           'MKSTREAM') "
    "  if made.err then return made end "
    "  g, new = find(), true "
    "end "
    "local book = false "
    "for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do "
    "  local c = fields(flat) "
    "  if string.sub(c.name, 1, 7) == 'ledger:' then "
    "    book = c.name "
    "  elseif c.pending == 0 and c.idle > 3600000 then "
    "    redis.call('XGROUP', 'DELCONSUMER', stream, group, c.name) "
    "  end "
    "end "
    "local s, now = fields(redis.call('XINFO', 'STREAM', stream)), "
    "              redis.call('TIME') "
    "local oldest = s['first-entry'] and s['first-entry'][1] "
    "local at = string.format('%s%06d', now[1], now[2]) "
    "if not book and (new or s.length == 0) then "
    "  local name = string.format('ledger:%d:%s:%s', "
    "    s['entries-added'] - s.length, "
    "    oldest and '[' .. oldest or '(' .. s['last-generated-id'], at) "
    "  local made = redis.pcall('XGROUP', 'CREATECONSUMER', stream, group, "
    "                           name) "
    "  if type(made) == 'number' then book = name end "
    "end "
    "local pending = {} "
    "if tonumber(ARGV[2]) > 0 then "
    "  for i, p in ipairs(redis.call('XPENDING', stream, group, '-', '+', "
    "                                ARGV[2])) do "
    "    pending[i] = p[1] "
    "  end "
    "end "
    "return { book, at, s['entries-added'], s.length, s['last-generated-id'], "
    "         g['last-delivered-id'], oldest, pending }";

/* KEYS: the stream; ARGV: the group, the book, an id. */
static const char begin_again[] =
    "local function place(id) "
    "  local ms, number = string.match(id, '^(%d+)-(%d+)$') "
    "  return tonumber(ms), tonumber(number) "
    "end "
    "local s = redis.call('XINFO', 'STREAM', KEYS[1]) "
    "for i = 1, #s, 2 do "
    "  if s[i] == 'last-generated-id' and ARGV[3] ~= '' then "
    "    local ms, number = place(s[i + 1]) "
    "    local to_ms, to_number = place(ARGV[3]) "
    "    if to_ms > ms or to_ms == ms and to_number > number then "
    "      redis.call('XSETID', KEYS[1], ARGV[3]) "
    "    end "
    "  end "
    "end "
    "return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])";

static const char rejuvenate[] =
    "local stream, group, from = KEYS[1], ARGV[1], '-' "
    "repeat "
    "  local some = redis.pcall('XPENDING', stream, group, from, '+', 1000) "
    "  if some.err then return end " /* no stream, or no group */
    "  for _, p in ipairs(some) do "
    "    redis.call('XCLAIM', stream, group, p[2], 0, p[1], 'IDLE', 0, "
    "               'JUSTID') "
    "    from = '(' .. p[1] "
    "  end "
    "until #some == 0 ";

enum answer {
    BOOK,
    NOW_US,
    ADDED,
    LENGTH,
    NEWEST,
    DELIVERED,
    OLDEST,
    PENDING,
    ANSWER_COUNT,
};

struct question {
    stream_group_fn *fn;
    void *arg;
};

static bool is_answer(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY &&
           reply->elements == ANSWER_COUNT &&
           reply->element[NOW_US]->type == REDIS_REPLY_STRING &&
           reply->element[ADDED]->type == REDIS_REPLY_INTEGER &&
           reply->element[LENGTH]->type == REDIS_REPLY_INTEGER &&
           reply->element[NEWEST]->type == REDIS_REPLY_STRING &&
           reply->element[DELIVERED]->type == REDIS_REPLY_STRING &&
           reply->element[PENDING]->type == REDIS_REPLY_ARRAY;
}

static const char *text_or_null(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? reply->str : NULL;
}

static void answer(const redisReply *reply, const struct question *q)
{
    const redisReply *pending = reply->element[PENDING];
    struct stream_state state = {
        .book = text_or_null(reply->element[BOOK]),
        .now_us = strtoll(reply->element[NOW_US]->str, NULL, 10),
        .added = reply->element[ADDED]->integer,
        .length = reply->element[LENGTH]->integer,
        .newest = reply->element[NEWEST]->str,
        .delivered = reply->element[DELIVERED]->str,
        .oldest = text_or_null(reply->element[OLDEST]),
        .pending_count = pending->elements,
    };

    state.pending = mem_alloc((pending->elements + 1) * sizeof *state.pending);
    for (size_t i = 0; i < pending->elements; i++)
        state.pending[i] = pending->element[i]->str;
    q->fn(&state, NULL, q->arg);
    free(state.pending);
}

static void on_answer(const redisReply *reply, void *arg)
{
    struct question *q = arg;
    const char *error = reply ? redis_reply_error(reply) : NULL;

    if (reply && !error && !is_answer(reply))
        error = "unexpected answer";
    if (!reply || error)
        q->fn(NULL, error, q->arg);
    else
        answer(reply, q);
    free(q);
}

void stream_group_open(struct redis *r, const char *stream, size_t pending_max,
                       stream_group_fn *fn, void *arg)
{
    struct question *q = mem_alloc(sizeof *q);
    char most[24];

    *q = (struct question){ .fn = fn, .arg = arg };
    snprintf(most, sizeof most, "%zu", pending_max);
    redis_command(r, on_answer, q, 6,
                  (struct redis_arg[]){ REDIS_TEXT("EVAL"), REDIS_TEXT(script),
                                        REDIS_TEXT("1"), REDIS_TEXT(stream),
                                        REDIS_TEXT(STREAM_GROUP),
                                        REDIS_TEXT(most) });
}

void stream_group_rejuvenate(struct redis *r, const char *stream)
{
    redis_command(r, NULL, NULL, 5,
                  (struct redis_arg[]){ REDIS_TEXT("EVAL"),
                                        REDIS_TEXT(rejuvenate), REDIS_TEXT("1"),
                                        REDIS_TEXT(stream),
                                        REDIS_TEXT(STREAM_GROUP) });
}

void stream_group_close_book(struct redis *r, const char *stream,
                             const char *book, const char *after_id)
{
    redis_command(
        r, NULL, NULL, 7,
        (struct redis_arg[]){ REDIS_TEXT("EVAL"), REDIS_TEXT(begin_again),
                              REDIS_TEXT("1"), REDIS_TEXT(stream),
                              REDIS_TEXT(STREAM_GROUP), REDIS_TEXT(book),
                              REDIS_TEXT(after_id ? after_id : "") });
}
