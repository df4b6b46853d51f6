/* address_counts.h - how many of something each address has.
 *
 * An IPv4 address counts by itself, also in its IPv6 form (::ffff:a.b.c.d).
 * IPv6 addresses count by their /64: that is what one customer gets, who could
 * otherwise come from 2^64 addresses.
 */
#ifndef ADDRESS_COUNTS_H
#define ADDRESS_COUNTS_H

#include <sys/socket.h>

#include "common/base.h"

struct address_counts;

/* Grows to 64 bytes at most for each address that has any; never shrinks. */
struct address_counts *address_counts_new(void);
void address_counts_free(struct address_counts *c); /* accepts NULL */

/* What an address counts as; other families than IPv4/6 share one. */
uint64_t address_counts_key(const struct sockaddr *address);

unsigned address_counts_get(const struct address_counts *c, uint64_t key);
void address_counts_add(struct address_counts *c, uint64_t key);
/* `key` must have been added. */
void address_counts_remove(struct address_counts *c, uint64_t key);

#endif
