#include "common/ranges.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/mem.h"

enum { ENTRY_SIZE = 80, V4_OFFSET = 12, V4_BITS = 96 };

static const uint8_t v4_prefix[V4_OFFSET] = { [10] = 0xff, [11] = 0xff };

/* One entry under the knife: the text of its address, and what stood behind. */
struct parts {
    char address[ENTRY_SIZE];
    const char *bits; /* NULL: absent */
    const char *port; /* NULL: absent */
};

static bool is_v4(const uint8_t address[16])
{
    return memcmp(address, v4_prefix, sizeof v4_prefix) == 0;
}

/* The address in its 16-byte form; false for other families. */
static bool to_bytes(const struct sockaddr *address, uint8_t out[16],
                     uint16_t *port)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, address, sizeof v4);
        memcpy(out, v4_prefix, sizeof v4_prefix);
        memcpy(out + V4_OFFSET, &v4.sin_addr, 4);
        *port = ntohs(v4.sin_port);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, address, sizeof v6);
        memcpy(out, &v6.sin6_addr, 16);
        *port = ntohs(v6.sin6_port);
        return true;
    }
    return false;
}

static bool within(const uint8_t address[16], const uint8_t prefix[16],
                   unsigned bits)
{
    size_t whole = bits / 8;
    uint8_t mask = (uint8_t)(0xff00u >> (bits % 8));

    if (memcmp(address, prefix, whole) != 0)
        return false;
    return bits % 8 == 0 || ((address[whole] ^ prefix[whole]) & mask) == 0;
}

/* Decimal digits only, at most `max`; -1 otherwise. */
static int small_number(const char *text, int max)
{
    int value = 0;

    if (*text == '\0')
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        value = value * 10 + (*text - '0');
        if (value > max)
            return -1;
    }
    return value;
}

/* Cuts `p->address` at its slash, its port and its brackets. */
static const char *split(struct parts *p)
{
    char *port = NULL;
    char *slash = NULL;

    p->bits = p->port = NULL;
    if (p->address[0] == '[') {
        char *end = strchr(p->address, ']');

        if (!end)
            return "has no closing bracket";
        if (end[1] != '\0' && end[1] != ':')
            return "has something odd behind its bracket";
        port = end[1] == ':' ? end + 1 : NULL;
        *end = '\0';
        memmove(p->address, p->address + 1, (size_t)(end - p->address));
    } else {
        port = strchr(p->address, ':');
        if (port && strchr(port + 1, ':'))
            port = NULL; /* a bare IPv6 address */
        if (port)
            *port = '\0';
    }
    if (port)
        p->port = port + 1;
    slash = strchr(p->address, '/');
    if (slash) {
        *slash = '\0';
        p->bits = slash + 1;
    }
    return NULL;
}

/* NULL, or what is wrong with the entry. */
static const char *parse_entry(struct range *out, const char *ptr, size_t len)
{
    struct parts p;
    const char *wrong;
    int width = 128;
    int bits;

    *out = (struct range){ .bits = 128 };
    if (len == 0)
        return "is empty";
    if (len >= sizeof p.address || memchr(ptr, '\0', len))
        return "is no address range";
    memcpy(p.address, ptr, len);
    p.address[len] = '\0';
    wrong = split(&p);
    if (wrong)
        return wrong;

    if (inet_pton(AF_INET, p.address, out->address + V4_OFFSET) == 1) {
        memcpy(out->address, v4_prefix, sizeof v4_prefix);
        width = 32;
    } else if (inet_pton(AF_INET6, p.address, out->address) != 1) {
        return "is no IPv4 or IPv6 address";
    }
    if (p.bits) {
        bits = small_number(p.bits, width);
        if (bits < 0)
            return "has a prefix length out of range";
        out->bits = (uint8_t)(128 - width + bits);
    }
    if (p.port) {
        int port = small_number(p.port, UINT16_MAX);

        if (port <= 0)
            return "has a port out of range";
        out->port = (uint16_t)port;
    }
    for (bits = out->bits; bits < 128; bits++)
        if (out->address[bits / 8] & (0x80u >> (bits % 8)))
            return "has bits set behind its prefix";
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

int ranges_parse(struct ranges *out, const char *list, char *error,
                 size_t error_size)
{
    const char *p = list;

    *out = (struct ranges){ 0 };
    while (is_blank(*p))
        p++;
    if (*p == '\0')
        return 0;
    for (;;) {
        const char *end = p + strcspn(p, ",");
        const char *stop = end;
        const char *wrong;
        struct range range;

        while (p < stop && is_blank(*p))
            p++;
        while (stop > p && is_blank(stop[-1]))
            stop--;
        wrong = parse_entry(&range, p, (size_t)(stop - p));
        if (wrong) {
            snprintf(error, error_size, "\"%.*s\" %s",
                     (int)(stop - p > 100 ? 100 : stop - p), p, wrong);
            ranges_release(out);
            return -1;
        }
        out->items = mem_resize_array(out->items, out->count + 1, sizeof range);
        out->items[out->count++] = range;
        if (*end == '\0')
            return 0;
        p = end + 1;
    }
}

void ranges_release(struct ranges *r)
{
    free(r->items);
    *r = (struct ranges){ 0 };
}

bool ranges_contain(const struct ranges *r, const struct sockaddr *address)
{
    uint8_t bytes[16];
    uint16_t port = 0;

    if (!to_bytes(address, bytes, &port))
        return false;
    for (size_t i = 0; i < r->count; i++) {
        const struct range *item = &r->items[i];

        if (item->port != 0 && item->port != port)
            continue;
        /* "::/0" means every IPv6 address and no IPv4 one. */
        if (item->bits < V4_BITS && is_v4(bytes))
            continue;
        if (within(bytes, item->address, item->bits))
            return true;
    }
    return false;
}

/* https://www.iana.org/assignments/iana-ipv4-special-registry, and what lies
 * outside unicast. */
static bool v4_is_public(const uint8_t a[4])
{
    static const struct {
        uint32_t prefix;
        unsigned bits;
    } special[] = {
        { 0x00000000, 8 },  /* 0.0.0.0/8, this network */
        { 0x0a000000, 8 },  /* 10.0.0.0/8, private */
        { 0x64400000, 10 }, /* 100.64.0.0/10, CGNAT */
        { 0x7f000000, 8 },  /* 127.0.0.0/8, loopback */
        { 0xa9fe0000, 16 }, /* 169.254.0.0/16, link-local, cloud metadata */
        { 0xac100000, 12 }, /* 172.16.0.0/12, private */
        { 0xc0000000, 24 }, /* 192.0.0.0/24, IETF protocols */
        { 0xc0000200, 24 }, /* 192.0.2.0/24, documentation */
        { 0xc0586300, 24 }, /* 192.88.99.0/24, 6to4 relays */
        { 0xc0a80000, 16 }, /* 192.168.0.0/16, private */
        { 0xc6120000, 15 }, /* 198.18.0.0/15, benchmarking */
        { 0xc6336400, 24 }, /* 198.51.100.0/24, documentation */
        { 0xcb007100, 24 }, /* 203.0.113.0/24, documentation */
        { 0xe0000000, 4 },  /* 224.0.0.0/4, multicast */
        { 0xf0000000, 4 },  /* 240.0.0.0/4, reserved and broadcast */
    };
    uint32_t address = (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 |
                       (uint32_t)a[2] << 8 | a[3];

    for (size_t i = 0; i < ARRAY_LEN(special); i++)
        if ((address ^ special[i].prefix) >> (32 - special[i].bits) == 0)
            return false;
    return true;
}

/* https://www.iana.org/assignments/iana-ipv6-special-registry: everything that
 * is not global unicast (2000::/3) or NAT64 stays out. */
static bool v6_is_public(const uint8_t a[16])
{
    static const uint8_t global[16] = { 0x20 };
    static const uint8_t nat64[16] = { 0x00, 0x64, 0xff, 0x9b };
    static const uint8_t six_to_four[16] = { 0x20, 0x02 };
    static const struct range special[] = {
        /* 2001::/23, IETF protocols: Teredo, ORCHID, benchmarking … */
        { .address = { 0x20, 0x01 }, .bits = 23 },
        /* 2001:db8::/32 and 3fff::/20, documentation */
        { .address = { 0x20, 0x01, 0x0d, 0xb8 }, .bits = 32 },
        { .address = { 0x3f, 0xff }, .bits = 20 },
    };

    if (within(a, nat64, 96))
        return v4_is_public(a + 12);
    if (within(a, six_to_four, 16))
        return v4_is_public(a + 2);
    if (!within(a, global, 3))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(special); i++)
        if (within(a, special[i].address, special[i].bits))
            return false;
    return true;
}

bool address_is_public(const struct sockaddr *address)
{
    uint8_t bytes[16];
    uint16_t port;

    if (!to_bytes(address, bytes, &port))
        return false;
    return is_v4(bytes) ? v4_is_public(bytes + V4_OFFSET) : v6_is_public(bytes);
}

/* inet_ntop() does it with printf, which shows where every webhook's address is
 * written. */
static void format_v4(const uint8_t *bytes, char *out)
{
    for (size_t i = 0; i < 4; i++) {
        out += decimal_encode(bytes[i], out);
        *out++ = i < 3 ? '.' : '\0';
    }
}

void address_format(const struct sockaddr *address, char out[ADDRESS_TEXT_SIZE])
{
    uint8_t bytes[16];
    uint16_t port;

    if (!to_bytes(address, bytes, &port))
        snprintf(out, ADDRESS_TEXT_SIZE, "?");
    else if (is_v4(bytes))
        format_v4(bytes + V4_OFFSET, out);
    else
        inet_ntop(AF_INET6, bytes, out, ADDRESS_TEXT_SIZE);
}

void address_copy(const struct sockaddr *address, struct sockaddr_storage *out)
{
    *out = (struct sockaddr_storage){ 0 };
    memcpy(out, address,
           address->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                         : sizeof(struct sockaddr_in6));
}
