/* Any text as a list of ranges: what was accepted holds together. */
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/ranges.h"
#include "tests/fuzz/fuzz.h"

/* The first address of a range lies in it. */
static void check(const struct ranges *r, const struct range *item)
{
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                               .sin6_port = htons(item->port) };
    char text[ADDRESS_TEXT_SIZE];
    const struct sockaddr *address = (const struct sockaddr *)&v6;

    assert(item->bits <= 128);
    memcpy(&v6.sin6_addr, item->address, 16);
    /* "::/40" does not reach the IPv4 addresses that begin with its zeros. */
    if (item->bits >= 96 || !IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        assert(ranges_contain(r, address));
    address_is_public(address);
    address_format(address, text);
    assert(text[0] != '?' && strlen(text) < sizeof text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *list = mem_dup((const char *)data, size);
    char error[256] = "";
    struct ranges r;

    if (ranges_parse(&r, list, error, sizeof error) == 0) {
        assert(error[0] == '\0');
        for (size_t i = 0; i < r.count; i++)
            check(&r, &r.items[i]);
    } else {
        assert(error[0] != '\0' && !r.items && r.count == 0);
    }
    ranges_release(&r);
    free(list);
    return 0;
}
