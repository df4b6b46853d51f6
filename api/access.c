#include "api/access.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/http_listen.h"
#include "common/mem.h"

/* Without the port. */
static size_t host_len(const char *host)
{
    const char *bracket = host[0] == '[' ? strchr(host, ']') : NULL;

    return bracket ? (size_t)(bracket - host) + 1 : strcspn(host, ":");
}

int access_init(struct access *a, const char *keys, const char *listen,
                char *error, size_t error_size)
{
    struct sockaddr_storage address;
    socklen_t address_len;
    bool loopback = false;

    *a = (struct access){ 0 };
    if (http_listen_parse(listen, &address, &address_len, &loopback, error,
                          error_size) != 0)
        return -1;
    a->listen_host = mem_dup(listen, host_len(listen));
    if (secrets_parse(&a->keys, keys, false, error, error_size) != 0)
        return -1;
    if (a->keys.count == 0 && !loopback) {
        snprintf(error, error_size,
                 "SHOTFLEET_API_LISTEN=\"%s\" is reachable from outside, which "
                 "needs keys: set SHOTFLEET_API_KEYS, or listen on 127.0.0.1",
                 listen);
        return -1;
    }
    return 0;
}

void access_release(struct access *a)
{
    secrets_release(&a->keys);
    free(a->listen_host);
    *a = (struct access){ 0 };
}

bool access_needs_key(const struct access *a)
{
    return a->keys.count > 0;
}

const char *access_key_given(const char *authorization, const char *api_key)
{
    static const char bearer[] = "Bearer ";

    if (authorization &&
        strncasecmp(authorization, bearer, sizeof bearer - 1) == 0)
        return authorization + sizeof bearer - 1;
    return api_key;
}

bool access_key_fits(const struct access *a, const char *given)
{
    bool fits = false;

    for (size_t i = 0; i < a->keys.count; i++) { /* all of them, always */
        const struct secret *key = &a->keys.items[i];

        fits |= equal_constant_time(key->ptr, key->len, given, strlen(given));
    }
    return fits;
}

static bool is_loopback_literal(const char *host, size_t len)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;

    if (len >= sizeof text)
        return false;
    if (len > 2 && host[0] == '[') {
        snprintf(text, sizeof text, "%.*s", (int)len - 2, host + 1);
        return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    snprintf(text, sizeof text, "%.*s", (int)len, host);
    return inet_pton(AF_INET, text, &v4) == 1 &&
           (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
}

bool access_host_fits(const struct access *a, const char *host)
{
    static const char localhost[] = "localhost";
    size_t len = host ? host_len(host) : 0;

    if (len == 0)
        return false;
    if (len == sizeof localhost - 1 && strncasecmp(host, localhost, len) == 0)
        return true;
    if (len == strlen(a->listen_host) &&
        strncasecmp(host, a->listen_host, len) == 0)
        return true;
    return is_loopback_literal(host, len);
}

bool access_origin_fits(const char *origin, const char *host)
{
    const char *authority;

    if (!origin)
        return true;
    authority = strstr(origin, "://"); /* "null" has none */
    return authority && host && strcasecmp(authority + 3, host) == 0;
}
