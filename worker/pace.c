#include "worker/pace.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/mem.h"

enum {
    PACES_MAX = 64,
    /* A token that is due within this is there: clocks of loops are coarse. */
    EARLY_US = 500,
    AT_ONCE_WAIT_MS = 100,
    TOOK_US = 1000 * 1000, /* until an answer has come */
    COME_BACK_MS = 2000,
    COME_BACK_CAP_MS = 10 * 60 * 1000,
    COMPLAIN_MS = 60 * 1000,
};

struct pace {
    atomic_ullong name;     /* hash; 0: free */
    atomic_llong next_us;   /* when the next one may be asked (GCRA) */
    atomic_llong back_us;   /* when the last one comes back */
    atomic_llong took_us;   /* to answer: moving average; 0: none yet */
    atomic_llong paused_ms; /* until */
    atomic_llong complained_ms;
    atomic_int under_way[]; /* for each process */
};

struct paces {
    unsigned processes, row;
    size_t size;  /* of one pace */
    char *memory; /* shared */
};

static struct pace *at(const struct paces *p, size_t i)
{
    return (struct pace *)(void *)(p->memory + i * p->size);
}

struct paces *paces_new(unsigned processes)
{
    struct paces *p = mem_zalloc(sizeof *p);

    p->processes = processes;
    p->size = sizeof(struct pace) + processes * sizeof(atomic_int);
    p->size = (p->size + 63) / 64 * 64;
    p->memory = mmap(NULL, PACES_MAX * p->size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p->memory == MAP_FAILED)
        abort(); /* only when memory is out */
    return p;
}

void paces_free(struct paces *p)
{
    if (!p)
        return;
    munmap(p->memory, PACES_MAX * p->size);
    free(p);
}

void paces_use_row(struct paces *p, unsigned process)
{
    p->row = process < p->processes ? process : p->processes - 1;
    for (size_t i = 0; i < PACES_MAX; i++) {
        atomic_store(&at(p, i)->under_way[p->row], 0);
        atomic_store(&at(p, i)->paused_ms, 0);
    }
}

/* FNV-1a, never 0. */
static unsigned long long hash(const char *text)
{
    unsigned long long h = 14695981039346656037ULL;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211ULL;
    return h ? h : 1;
}

struct pace *pace_of(struct paces *p, const char *provider)
{
    unsigned long long name = hash(provider);

    for (size_t i = 0; i < PACES_MAX - 1; i++) {
        unsigned long long there = 0;

        if (atomic_compare_exchange_strong(&at(p, i)->name, &there, name) ||
            there == name)
            return at(p, i);
    }
    return at(p, PACES_MAX - 1);
}

static int total(const struct paces *p, struct pace *k)
{
    int sum = 0;

    for (unsigned i = 0; i < p->processes; i++)
        sum += atomic_load(&k->under_way[i]);
    return sum;
}

/* Moves next_us on by one step, if it has come. */
static int64_t take_token(struct pace *k, double per_s, int64_t now_us)
{
    long long step = (long long)(1e6 / per_s);
    long long next = atomic_load(&k->next_us);

    do {
        if (next > now_us + EARLY_US)
            return (next - now_us + 999) / 1000;
    } while (!atomic_compare_exchange_weak(
        &k->next_us, &next, (next > now_us ? next : now_us) + step));
    return 0;
}

int64_t pace_take(struct paces *p, struct pace *k, double per_s,
                  unsigned at_once, int64_t now_ms)
{
    int64_t wait_ms = pace_paused_ms(k, now_ms);

    if (wait_ms > 0)
        return wait_ms;
    /* counted first: of two that come at once neither may miss the other */
    atomic_fetch_add(&k->under_way[p->row], 1);
    if (at_once > 0 && total(p, k) > (int)at_once)
        wait_ms = AT_ONCE_WAIT_MS;
    else
        wait_ms = per_s > 0 ? take_token(k, per_s, now_ms * 1000) : 0;
    if (wait_ms > 0)
        atomic_fetch_sub(&k->under_way[p->row], 1);
    return wait_ms;
}

void pace_done(struct paces *p, struct pace *k, int64_t took_ms)
{
    long long took = atomic_load(&k->took_us);

    atomic_fetch_sub(&k->under_way[p->row], 1);
    if (took_ms >= 0) /* of two at the same time one may be left out */
        atomic_store(&k->took_us, took == 0
                                      ? took_ms * 1000 + 1
                                      : took + (took_ms * 1000 - took) / 8);
}

/* Between two that come back. */
static long long step_us(struct pace *k, double per_s, unsigned at_once)
{
    long long took = atomic_load(&k->took_us);
    long long by_rate = per_s > 0 ? (long long)(1e6 / per_s) : 0;
    long long by_places = at_once > 0 ? (took ? took : TOOK_US) / at_once : 0;

    return by_rate > by_places ? by_rate : by_places;
}

int64_t pace_come_back_ms(struct pace *k, double per_s, unsigned at_once,
                          int64_t now_ms)
{
    long long step = step_us(k, per_s, at_once);
    long long first = (now_ms + COME_BACK_MS) * 1000;
    long long latest = (now_ms + COME_BACK_CAP_MS) * 1000;
    long long last = atomic_load(&k->back_us);
    long long mine;

    do {
        mine = (last > first ? last : first) + step;
        if (mine > latest)
            mine = latest;
    } while (!atomic_compare_exchange_weak(&k->back_us, &last, mine));
    return mine / 1000 - now_ms;
}

void pace_pause(struct pace *k, int64_t for_ms, int64_t now_ms)
{
    atomic_store(&k->paused_ms, now_ms + for_ms);
}

int64_t pace_paused_ms(struct pace *k, int64_t now_ms)
{
    int64_t left_ms = atomic_load(&k->paused_ms) - now_ms;

    return left_ms > 0 ? left_ms : 0;
}

bool pace_may_complain(struct pace *k, int64_t now_ms)
{
    long long last = atomic_load(&k->complained_ms);

    return (last == 0 || now_ms - last >= COMPLAIN_MS) &&
           atomic_compare_exchange_strong(&k->complained_ms, &last, now_ms);
}
