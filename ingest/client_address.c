#include "ingest/client_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* One list element: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1]:80 */
static int parse_address(const char *ptr, size_t len,
                         struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    char text[INET6_ADDRSTRLEN];
    const char *colon = memchr(ptr, ':', len);

    if (len > 0 && *ptr == '[') {
        const char *end = memchr(ptr, ']', len);

        if (!end)
            return -1;
        len = (size_t)(end - ++ptr);
    } else if (colon &&
               !memchr(colon + 1, ':', len - (size_t)(colon - ptr) - 1)) {
        len = (size_t)(colon - ptr); /* one colon: a port */
    }
    if (len == 0 || len >= sizeof text)
        return -1;
    memcpy(text, ptr, len);
    text[len] = '\0';
    *out = (struct sockaddr_storage){ 0 };
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        out->ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
        out->ss_family = AF_INET6;
    else
        return -1;
    return 0;
}

static void copy_peer(const struct sockaddr *peer, struct sockaddr_storage *out)
{
    *out = (struct sockaddr_storage){ 0 };
    memcpy(out, peer,
           peer->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                      : sizeof(struct sockaddr_in6));
}

int client_address(const struct ranges *trusted, const struct sockaddr *peer,
                   const char *forwarded, struct sockaddr_storage *out)
{
    const char *end;

    copy_peer(peer, out);
    if (!forwarded)
        return 0;
    end = forwarded + strlen(forwarded);
    while (end > forwarded &&
           ranges_contain(trusted, (const struct sockaddr *)out)) {
        const char *start = end;
        const char *last = end;

        while (start > forwarded && start[-1] != ',')
            start--;
        end = start > forwarded ? start - 1 : start;
        while (start < last && (*start == ' ' || *start == '\t'))
            start++;
        while (last > start && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        if (parse_address(start, (size_t)(last - start), out) != 0)
            return -1;
    }
    return 0;
}
