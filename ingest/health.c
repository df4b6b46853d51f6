#include "ingest/health.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/streams.h"
#include "ingest/load.h"
#include "ingest/persistence.h"

enum {
    LOOK_MS = 500,
    /* Every so many looks: is it still durable?  CONFIG SET tells nobody. */
    LOOKS_PER_JUDGEMENT = 10,
};

/* One server as it was at the last look. */
struct shard {
    struct health *health;
    struct redis *redis;
    const char *url;
    struct waitaof *waitaof; /* made when it was first needed */
    bool judged;             /* its persistence is known */
    bool looked;             /* its load is known */
    bool asking;             /* about its persistence */
    struct persistence persistence;
    struct persistence fresh; /* what is being asked */
    struct load load;
    char overload[LOAD_REASON_SIZE]; /* why it is full; "" if it isn't */
    enum unavailable overload_kind;
    int64_t in_flight; /* entries taken and not done */
};

struct health {
    struct shards *shards;
    const struct ingest_settings *settings;
    struct metrics *metrics;
    bool reports;
    loop_fn *known; /* NULL once it has run */
    void *arg;
    struct loop *loop;
    struct loop_timer *timer;
    unsigned looks;
    struct shard_urls urls;
    struct shard items[SHARDS_MAX];
    size_t count;
    char reason[LOAD_REASON_SIZE + 128];
};

/* --- does it keep what it acknowledges? */

static void log_weakness(const struct shard *s)
{
    if (*s->persistence.weakness)
        log_warning(LOG_WITH({ "redis", redis_name(s->redis) }),
                    "an acknowledged webhook may be lost with this redis: %s%s",
                    s->persistence.weakness,
                    s->health->settings->require_durable
                        ? "; nothing is accepted (SHOTFLEET_REQUIRE_DURABLE)"
                        : "");
    else if (s->judged)
        log_info(LOG_WITH({ "redis", redis_name(s->redis) }),
                 "this redis keeps acknowledged webhooks again");
}

static void report(struct health *h);

/* After each connect, and every few seconds: what was true then may have been
 * set otherwise. */
static void on_judged(void *arg)
{
    struct shard *s = arg;
    const struct persistence was = s->persistence;

    s->asking = false;
    s->persistence = s->fresh;
    if (!s->judged || strcmp(was.weakness, s->fresh.weakness) != 0)
        log_weakness(s);
    s->judged = true;
    if (s->fresh.needs_waitaof && !was.needs_waitaof)
        log_info(LOG_WITH({ "redis", redis_name(s->redis) }),
                 "appendfsync is everysec: webhooks wait for the next fsync "
                 "(WAITAOF), up to two seconds");
    if (s->fresh.needs_waitaof && !s->waitaof)
        s->waitaof = waitaof_new(s->health->loop, s->url,
                                 s->health->settings->redis_deadline_ms);
    report(s->health);
}

static void judge(struct shard *s)
{
    s->asking = true;
    persistence_ask(&s->fresh, s->redis, on_judged, s);
}

/* NULL: its answer to XADD is enough. */
static struct waitaof *waitaof_of(const struct shard *s)
{
    return s->persistence.needs_waitaof ? s->waitaof : NULL;
}

/* --- is it full? */

static int64_t info_number(const redisReply *reply, const char *name)
{
    const char *at = strstr(reply->str, name);

    return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

static void on_memory(const redisReply *reply, void *arg)
{
    struct shard *s = arg;

    if (!reply || reply->type != REDIS_REPLY_STRING)
        return;
    s->load.memory_bytes = info_number(reply, "\nused_memory:");
    s->load.memory_limit_bytes = info_number(reply, "\nmaxmemory:");
}

static void on_length(const redisReply *reply, void *arg)
{
    struct shard *s = arg;

    if (reply && reply->type == REDIS_REPLY_INTEGER)
        s->load.length = reply->integer;
}

static void judge_load(struct shard *s)
{
    bool was = *s->overload != '\0';
    bool is = load_is_too_much(&s->load, s->health->settings, clock_wall_ms(),
                               &s->overload_kind, s->overload);

    if (is && !was)
        log_error(LOG_WITH({ "redis", redis_name(s->redis) }),
                  "no webhooks are accepted for this redis: %s", s->overload);
    else if (!is && was)
        log_info(LOG_WITH({ "redis", redis_name(s->redis) }),
                 "webhooks are accepted for this redis again");
}

/* The last answer of a look. */
static void on_oldest(int64_t oldest_ms, void *arg)
{
    struct shard *s = arg;
    struct health *h = s->health;

    if (oldest_ms < 0)
        return;
    s->load.oldest_ms = oldest_ms;
    s->looked = true;
    judge_load(s);
    if (h->known && s->judged) {
        loop_fn *known = h->known;

        h->known = NULL;
        known(h->arg);
    }
    report(h);
}

static void look_at(struct shard *s)
{
    redis_command(
        s->redis, on_memory, s, 2,
        (struct redis_arg[]){ REDIS_TEXT("INFO"), REDIS_TEXT("memory") });
    redis_command(
        s->redis, on_length, s, 2,
        (struct redis_arg[]){ REDIS_TEXT("XLEN"), REDIS_TEXT(STREAM_WEBHOOK) });
    stream_oldest(s->redis, STREAM_WEBHOOK, on_oldest, s);
}

/* --- all of them */

/* A shard_fits_fn. */
static bool fits(size_t index, void *arg)
{
    const struct health *h = arg;
    const struct shard *s = &h->items[index];

    return s->in_flight < h->settings->redis_in_flight && s->judged &&
           s->looked && !*s->overload &&
           (!waitaof_of(s) || waitaof_is_up(s->waitaof)) &&
           !(*s->persistence.weakness && h->settings->require_durable);
}

static void report(struct health *h)
{
    int64_t length = 0, oldest_s = 0, weak = 0, percent = 0;
    bool accepting = false;

    for (size_t i = 0; i < h->count; i++) {
        const struct shard *s = &h->items[i];
        int64_t age_s = load_age_s(&s->load, clock_wall_ms());
        int64_t used = load_memory_percent(&s->load);

        length += s->load.length;
        if (used > percent)
            percent = used;
        weak += s->judged && *s->persistence.weakness;
        if (age_s > oldest_s)
            oldest_s = age_s;
        accepting = accepting || (redis_is_up(s->redis) && fits(i, h));
    }
    metric_set(h->metrics, REDIS_UP, (int64_t)shards_up(h->shards));
    metric_set(h->metrics, ACCEPTING, accepting);
    if (!h->reports)
        return;
    metric_set(h->metrics, REDIS_WEAK, weak);
    metric_set(h->metrics, REDIS_MEMORY_PERCENT, percent);
    metric_set(h->metrics, STREAM_LENGTH, length);
    metric_set(h->metrics, STREAM_OLDEST_SECONDS, oldest_s);
}

static void look(void *arg)
{
    struct health *h = arg;
    bool due = ++h->looks % LOOKS_PER_JUDGEMENT == 0;

    for (size_t i = 0; i < h->count; i++) {
        struct shard *s = &h->items[i];

        if (!redis_is_up(s->redis) || redis_outstanding(s->redis) >= 100)
            continue;
        if (due && !s->asking)
            judge(s);
        look_at(s);
    }
    report(h);
    loop_timer_start(h->timer, LOOK_MS);
}

static void on_state(bool up, void *arg)
{
    struct shard *s = arg;

    s->looked = false;
    if (up) {
        s->judged = false;
        judge(s);
        look_at(s);
    }
    report(s->health);
}

struct health *health_new(struct loop *loop, struct shards *shards,
                          const struct ingest_settings *settings,
                          struct metrics *metrics, bool reports, loop_fn *known,
                          void *arg)
{
    struct health *h = mem_zalloc(sizeof *h);
    char error[SETTINGS_ERROR_SIZE];
    int parsed;

    *h = (struct health){ .loop = loop,
                          .shards = shards,
                          .settings = settings,
                          .metrics = metrics,
                          .reports = reports,
                          .known = known,
                          .arg = arg,
                          .count = shards_count(shards) };
    h->timer = loop_timer_new(loop, look, h);
    parsed = shard_urls_parse(&h->urls, settings->redis_url, error,
                              sizeof error); /* again, after shards_new() */
    assert(parsed == 0 && h->urls.count == h->count);
    (void)parsed;
    for (size_t i = 0; i < h->count; i++) {
        h->items[i] = (struct shard){ .health = h,
                                      .redis = shards_at(shards, i),
                                      .url = h->urls.items[i],
                                      .load.oldest_ms = INT64_MAX };
        redis_on_state(h->items[i].redis, on_state, &h->items[i]);
    }
    loop_timer_start(h->timer, LOOK_MS);
    return h;
}

void health_free(struct health *h)
{
    if (!h)
        return;
    loop_timer_free(h->timer);
    for (size_t i = 0; i < h->count; i++)
        waitaof_free(h->items[i].waitaof);
    shard_urls_release(&h->urls);
    free(h);
}

bool health_take(struct health *h, size_t *shard)
{
    const struct redis *redis = shards_pick(h->shards, fits, h);

    if (!redis)
        return false;
    for (*shard = 0; h->items[*shard].redis != redis;)
        ++*shard;
    h->items[*shard].in_flight++;
    return true;
}

void health_done(struct health *h, size_t shard)
{
    h->items[shard].in_flight--;
}

struct waitaof *health_waitaof(struct health *h, size_t shard)
{
    return waitaof_of(&h->items[shard]);
}

static const char *refusal(const struct health *h, const struct shard *s,
                           enum unavailable *why)
{
    *why = UNAVAILABLE_REDIS_DOWN;
    if (!redis_is_up(s->redis))
        return redis_error(s->redis);
    *why = UNAVAILABLE_JUST_CONNECTED;
    if (!s->judged || !s->looked)
        return "just connected";
    *why = UNAVAILABLE_NOT_DURABLE;
    if (*s->persistence.weakness && h->settings->require_durable)
        return s->persistence.weakness;
    *why = UNAVAILABLE_NO_WAITAOF;
    if (waitaof_of(s) && !waitaof_is_up(s->waitaof))
        return "no connection for WAITAOF";
    *why = UNAVAILABLE_IN_FLIGHT;
    if (s->in_flight >= h->settings->redis_in_flight)
        return "too many webhooks are waiting for it";
    *why = s->overload_kind;
    return s->overload;
}

const char *health_reason(struct health *h, enum unavailable *why)
{
    h->reason[0] = '\0';
    for (size_t i = 0; i < h->count; i++) {
        const struct shard *s = &h->items[i];

        if (redis_is_up(s->redis) && fits(i, h))
            return "";
        snprintf(h->reason, sizeof h->reason, "%s: %s", redis_name(s->redis),
                 refusal(h, s, why));
    }
    return h->reason;
}
