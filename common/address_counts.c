/* Open addressing with linear probing; a removed key's successors move up, so
 * that no tombstones pile up.  The place of a key depends on a random number:
 * nobody can choose addresses that collide. */
#include "common/address_counts.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/mem.h"

enum { SLOTS_AT_FIRST = 64 };

struct slot {
    uint64_t key;
    unsigned count; /* 0: the slot is free */
};

struct address_counts {
    struct slot *slots;
    size_t size; /* a power of two, at least twice `used` */
    size_t used;
    uint64_t seed;
};

struct address_counts *address_counts_new(void)
{
    struct address_counts *c = mem_zalloc(sizeof *c);

    c->size = SLOTS_AT_FIRST;
    c->slots = mem_zalloc(c->size * sizeof *c->slots);
    if (getrandom(&c->seed, sizeof c->seed, 0) != (ssize_t)sizeof c->seed)
        abort(); /* cannot fail for so few bytes */
    return c;
}

void address_counts_free(struct address_counts *c)
{
    if (!c)
        return;
    free(c->slots);
    free(c);
}

uint64_t address_counts_key(const struct sockaddr *address)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;
    uint64_t key = 0;
    size_t from = 0;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        return UINT64_C(0xffff00000000) | ntohl(v4.sin_addr.s_addr);
    }
    if (address->sa_family != AF_INET6)
        return UINT64_MAX;
    memcpy(&v6, address, sizeof v6);
    if (memcmp(v6.sin6_addr.s6_addr, mapped, sizeof mapped) == 0)
        from = 8; /* the same number as the IPv4 address */
    for (size_t i = from; i < from + 8; i++)
        key = key << 8 | v6.sin6_addr.s6_addr[i];
    return key;
}

/* The finalizer of MurmurHash3: every bit of the key moves every bit. */
static size_t home_of(const struct address_counts *c, uint64_t key)
{
    uint64_t h = key ^ c->seed;

    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (size_t)(h ^ h >> 33) & (c->size - 1);
}

/* The slot of the key, or the free one where it belongs. */
static size_t find(const struct address_counts *c, uint64_t key)
{
    size_t i = home_of(c, key);

    while (c->slots[i].count > 0 && c->slots[i].key != key)
        i = (i + 1) & (c->size - 1);
    return i;
}

unsigned address_counts_get(const struct address_counts *c, uint64_t key)
{
    return c->slots[find(c, key)].count;
}

static void grow(struct address_counts *c)
{
    struct slot *old = c->slots;
    size_t old_size = c->size;

    c->size *= 2;
    c->slots = mem_zalloc(c->size * sizeof *c->slots);
    for (size_t i = 0; i < old_size; i++)
        if (old[i].count > 0)
            c->slots[find(c, old[i].key)] = old[i];
    free(old);
}

void address_counts_add(struct address_counts *c, uint64_t key)
{
    struct slot *slot;

    if (2 * (c->used + 1) > c->size)
        grow(c);
    slot = &c->slots[find(c, key)];
    if (slot->count++ > 0)
        return;
    slot->key = key;
    c->used++;
}

void address_counts_remove(struct address_counts *c, uint64_t key)
{
    size_t mask = c->size - 1;
    size_t hole = find(c, key);

    assert(c->slots[hole].count > 0);
    if (--c->slots[hole].count > 0)
        return;
    c->used--;
    /* Whoever was pushed past the hole on its way from home moves into it. */
    for (size_t i = (hole + 1) & mask; c->slots[i].count > 0;
         i = (i + 1) & mask) {
        size_t distance = (i - home_of(c, c->slots[i].key)) & mask;

        if (distance < ((i - hole) & mask))
            continue;
        c->slots[hole] = c->slots[i];
        c->slots[i].count = 0;
        hole = i;
    }
}
