/* ranges.h - lists of address ranges (CIDR), IPv4 and IPv6.
 *
 * An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is judged as the IPv4 address.
 * An entry is ADDRESS, ADDRESS/LEN, or with a port: ADDRESS:PORT,
 * ADDRESS/LEN:PORT, [V6]:PORT, [V6/LEN]:PORT.  Without a port all ports match.
 */
#ifndef RANGES_H
#define RANGES_H

#include <sys/socket.h>

#include "common/base.h"

struct range {
    uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint8_t bits;        /* 0..128, of the 16-byte form */
    uint16_t port;       /* host order; 0: any */
};

struct ranges {
    struct range *items;
    size_t count;
};

/* Parses a comma separated list; blanks around entries are allowed, "" is an
 * empty list.  Host bits behind the prefix must be zero.  On -1 `error` names
 * the entry and `out` is empty. */
MUST_USE int ranges_parse(struct ranges *out, const char *list, char *error,
                          size_t error_size);
void ranges_release(struct ranges *r);

/* An empty list contains nothing.  Other families than IPv4/6: false. */
bool ranges_contain(const struct ranges *r, const struct sockaddr *address);

/* Is it a globally routable unicast address?  False for loopback, private,
 * link-local, CGNAT, multicast, reserved, documentation, benchmarking and
 * unspecified ones, and for NAT64/6to4/Teredo forms that carry such an IPv4
 * address (IANA special-purpose registries, RFC 6890). */
bool address_is_public(const struct sockaddr *address);

/* Of IPv4 or IPv6. */
void address_copy(const struct sockaddr *address, struct sockaddr_storage *out);

/* "127.0.0.1", "::1"; for logs.  Writes "?" for other families. */
enum { ADDRESS_TEXT_SIZE = 64 };
void address_format(const struct sockaddr *address,
                    char out[ADDRESS_TEXT_SIZE]);

#endif
