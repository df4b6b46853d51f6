#include "worker/breaker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"

enum {
    HOSTS_MAX = 256,
    FAILURES_MAX = 5,
    PAUSE_BASE_MS = 2000,
    PAUSE_CAP_MS = 60 * 1000,
    /* How long the one that tries may take before another may. */
    TRIAL_MS = 30 * 1000,
};

enum breaker_state {
    BREAKER_CLOSED, /* requests are sent */
    BREAKER_OPEN,   /* until `until_ms` none is */
    BREAKER_TRIAL,  /* one is under way, the others wait until `until_ms` */
};

struct breaker {
    char host[256];
    enum breaker_state state;
    unsigned failures; /* in a row */
    int64_t pause_ms;
    int64_t until_ms;
    int64_t used_ms;
};

struct breakers {
    struct breaker items[HOSTS_MAX];
    size_t count;
};

struct breakers *breakers_new(void)
{
    return mem_zalloc(sizeof(struct breakers));
}

void breakers_free(struct breakers *b)
{
    free(b);
}

static struct breaker *least_recent(struct breakers *b)
{
    struct breaker *oldest = &b->items[0];

    for (size_t i = 1; i < b->count; i++) {
        if (b->items[i].used_ms < oldest->used_ms)
            oldest = &b->items[i];
    }
    return oldest;
}

static struct breaker *find(struct breakers *b, const char *host,
                            int64_t now_ms)
{
    struct breaker *found = NULL;

    for (size_t i = 0; i < b->count && !found; i++) {
        if (strncmp(b->items[i].host, host, sizeof found->host - 1) == 0)
            found = &b->items[i];
    }
    if (!found) {
        found = b->count < HOSTS_MAX ? &b->items[b->count++] : least_recent(b);
        *found = (struct breaker){ .pause_ms = PAUSE_BASE_MS };
        snprintf(found->host, sizeof found->host, "%s", host);
    }
    found->used_ms = now_ms;
    return found;
}

int64_t breaker_wait_ms(struct breakers *b, const char *host, int64_t now_ms)
{
    struct breaker *k = find(b, host, now_ms);

    if (k->state == BREAKER_CLOSED)
        return 0;
    if (now_ms < k->until_ms)
        return k->until_ms - now_ms;
    k->state = BREAKER_TRIAL;
    k->until_ms = now_ms + TRIAL_MS;
    return 0;
}

static void open_for(struct breaker *k, int64_t for_ms, int64_t now_ms)
{
    if (k->state == BREAKER_CLOSED)
        log_warning(LOG_WITH({ "host", k->host }),
                    "host is left alone for %lld ms", (long long)for_ms);
    k->state = BREAKER_OPEN;
    k->until_ms = now_ms + for_ms;
}

void breaker_report(struct breakers *b, const char *host, bool well,
                    int64_t now_ms)
{
    struct breaker *k = find(b, host, now_ms);

    if (well) {
        if (k->state != BREAKER_CLOSED)
            log_info(LOG_WITH({ "host", k->host }), "host is well again");
        k->state = BREAKER_CLOSED;
        k->failures = 0;
        k->pause_ms = PAUSE_BASE_MS;
        return;
    }
    k->failures++;
    if (k->state == BREAKER_TRIAL) {
        k->pause_ms =
            k->pause_ms * 2 < PAUSE_CAP_MS ? k->pause_ms * 2 : PAUSE_CAP_MS;
        open_for(k, k->pause_ms, now_ms);
    } else if (k->state == BREAKER_CLOSED && k->failures >= FAILURES_MAX) {
        open_for(k, k->pause_ms, now_ms);
    }
}

void breaker_pause(struct breakers *b, const char *host, int64_t for_ms,
                   int64_t now_ms)
{
    open_for(find(b, host, now_ms), for_ms, now_ms);
}
