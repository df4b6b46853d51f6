/* Any lines of X-Forwarded-For and Forwarded: the answer is an address that a
 * header names, or the peer's, and never one that only an untrusted peer wrote.
 *
 * Input: lines, each for one of the two headers in turn. */
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "ingest/client_address.h"
#include "ingest/forwarded.h"
#include "tests/fuzz/fuzz.h"

enum { LINES_MAX = 8 };

static struct sockaddr_in peer_of(const char *text)
{
    struct sockaddr_in peer = { .sin_family = AF_INET };

    assert(inet_pton(AF_INET, text, &peer.sin_addr) == 1);
    return peer;
}

static bool same(const struct sockaddr_storage *a, const struct sockaddr_in *b)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;

    return a->ss_family == AF_INET && v4->sin_addr.s_addr == b->sin_addr.s_addr;
}

static void check(const struct ranges *trusted, const struct header_lines *x,
                  const struct header_lines *forwarded)
{
    struct sockaddr_in stranger = peer_of("203.0.113.1");
    struct sockaddr_in proxy = peer_of("127.0.0.1");
    struct sockaddr_storage client;
    char text[ADDRESS_TEXT_SIZE];

    assert(!client_address(trusted, (const struct sockaddr *)&stranger, x,
                           forwarded, &client));
    assert(same(&client, &stranger));
    if (client_address(trusted, (const struct sockaddr *)&proxy, x, forwarded,
                       &client))
        return;
    address_format((const struct sockaddr *)&client, text);
    assert(text[0] != '?');
    if (x->count + forwarded->count == 0)
        assert(same(&client, &proxy));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_dup((const char *)data, size);
    const char *x_lines[LINES_MAX], *lines[LINES_MAX];
    struct header_lines x = { x_lines, 0 }, forwarded = { lines, 0 };
    struct forwarded hops = { .count = 0 };
    struct ranges trusted;
    char error[128];
    char *rest = text;

    assert(ranges_parse(&trusted, "127.0.0.0/8,10.0.0.0/8,::1", error,
                        sizeof error) == 0);
    for (size_t i = 0; i < 2 * LINES_MAX && *rest; i++) {
        char *line = rest;
        size_t len = strcspn(rest, "\n");

        rest += len + (rest[len] == '\n');
        line[len] = '\0';
        if (i % 2 == 0)
            x_lines[x.count++] = line;
        else
            lines[forwarded.count++] = line;
        if (forwarded_add_addresses(&hops, line) != 0 ||
            forwarded_add_elements(&hops, line) != 0)
            hops.count = 0;
        assert(hops.count <= FORWARDED_HOPS_MAX);
    }
    check(&trusted, &x, &forwarded);
    ranges_release(&trusted);
    free(text);
    return 0;
}
