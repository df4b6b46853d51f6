#include "ingest/client_address.h"

#include <netinet/in.h>
#include <string.h>

#include "ingest/forwarded.h"

static bool is_trusted(const struct ranges *trusted,
                       const struct sockaddr_storage *address)
{
    return ranges_contain(trusted, (const struct sockaddr *)address);
}

/* From the nearest hop to the farthest, as long as they are trusted. */
static const char *walk(const struct ranges *trusted,
                        const struct header_lines *lines,
                        int (*add)(struct forwarded *, const char *),
                        struct sockaddr_storage *address)
{
    struct forwarded way;

    way.count = 0;
    for (size_t i = 0; i < lines->count; i++) {
        if (add(&way, lines->values[i]) != 0)
            return "malformed";
    }
    while (way.count > 0 && is_trusted(trusted, address)) {
        *address = way.hops[--way.count];
        if (address->ss_family == AF_UNSPEC)
            return "no address at the decisive place";
    }
    return NULL;
}

static bool same_address(const struct sockaddr_storage *a,
                         const struct sockaddr_storage *b)
{
    char a_text[ADDRESS_TEXT_SIZE], b_text[ADDRESS_TEXT_SIZE];

    address_format((const struct sockaddr *)a, a_text);
    address_format((const struct sockaddr *)b, b_text);
    return strcmp(a_text, b_text) == 0;
}

const char *client_address(const struct ranges *trusted,
                           const struct sockaddr *peer,
                           const struct header_lines *x_forwarded_for,
                           const struct header_lines *forwarded,
                           struct sockaddr_storage *out)
{
    struct sockaddr_storage other;
    const char *problem = NULL;

    address_copy(peer, out);
    if (!ranges_contain(trusted, peer))
        return NULL;
    address_copy(peer, &other);
    if (x_forwarded_for->count > 0)
        problem = walk(trusted, x_forwarded_for, forwarded_add_addresses, out);
    if (!problem && forwarded->count > 0)
        problem = walk(trusted, forwarded, forwarded_add_elements, &other);
    if (problem)
        return problem;
    if (x_forwarded_for->count == 0)
        *out = other;
    else if (forwarded->count > 0 && !same_address(out, &other))
        return "X-Forwarded-For and Forwarded disagree";
    return NULL;
}
