#include "common/http_listen.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOST_SIZE = 64 };

/* Host without brackets, and the port; false when it is neither form. */
static bool split(const char *listen, char host[HOST_SIZE], uint16_t *port)
{
    const char *colon = strrchr(listen, ':');
    const char *start = listen;
    const char *end = colon;
    char *rest = NULL;
    unsigned long number;

    if (!colon || !isdigit((unsigned char)colon[1]))
        return false;
    number = strtoul(colon + 1, &rest, 10);
    if (*rest != '\0' || rest - colon > 6 || number > UINT16_MAX)
        return false;
    if (*start == '[') {
        if (end - start < 2 || end[-1] != ']')
            return false;
        start++;
        end--;
    }
    if (end - start >= HOST_SIZE)
        return false;
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    *port = (uint16_t)number;
    return true;
}

int http_listen_parse(const char *listen, struct sockaddr_storage *out,
                      socklen_t *len, bool *loopback, char *error,
                      size_t error_size)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    char host[HOST_SIZE];
    uint16_t port = 0;
    bool local = false;

    *out = (struct sockaddr_storage){ 0 };
    if (!split(listen, host, &port))
        goto bad;
    if (strcmp(host, "localhost") == 0)
        snprintf(host, sizeof host, "127.0.0.1");
    if (listen[0] != '[' && inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        v4.sin_port = htons(port);
        memcpy(out, &v4, sizeof v4);
        *len = sizeof v4;
        local = ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    } else if (listen[0] == '[' &&
               inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
        v6.sin6_port = htons(port);
        memcpy(out, &v6, sizeof v6);
        *len = sizeof v6;
        local = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
                (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) &&
                 v6.sin6_addr.s6_addr[12] == 127);
    } else {
        goto bad;
    }
    if (loopback)
        *loopback = local;
    return 0;
bad:
    snprintf(error, error_size,
             "could not read address \"%.100s\": "
             "expected ADDRESS:PORT, for example 127.0.0.1:8080 or [::]:8080",
             listen);
    return -1;
}

static const char *remedy(int reason)
{
    switch (reason) {
    case EADDRINUSE:
        return "; stop the program that holds it or choose another port";
    case EACCES:
        return "; choose a port above 1023 or grant CAP_NET_BIND_SERVICE";
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return "; choose an address of this machine";
    default:
        return "";
    }
}

int http_listen_open(const char *listen_on, bool reuse_port, char *error,
                     size_t error_size)
{
    const int yes = 1;
    const int no = 0;
    struct sockaddr_storage address;
    socklen_t len = 0;
    char why[128];
    int reason;
    int fd = -1;

    if (http_listen_parse(listen_on, &address, &len, NULL, error, error_size) !=
        0)
        return -1;
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                0);
    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0)
        goto fail;
    if (reuse_port &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0)
        goto fail;
    if (address.ss_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) != 0)
        goto fail;
    if (bind(fd, (const struct sockaddr *)&address, len) != 0 ||
        listen(fd, SOMAXCONN) != 0)
        goto fail;
    return fd;
fail:
    reason = errno;
    snprintf(why, sizeof why, "%s", strerror(reason));
    why[0] = (char)tolower((unsigned char)why[0]);
    snprintf(error, error_size, "could not listen on %s: %s%s", listen_on, why,
             remedy(reason));
    if (fd >= 0)
        close(fd);
    return -1;
}
