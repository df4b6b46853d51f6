#include "capture/url.h"

#include <string.h>
#include <strings.h>

#include "common/limits.h"

/* What stands behind "http://" or "https://"; NULL for any other scheme. */
static const char *after_scheme(const char *url, uint16_t *port)
{
    if (strncasecmp(url, "http://", 7) == 0) {
        *port = 80;
        return url + 7;
    }
    if (strncasecmp(url, "https://", 8) == 0) {
        *port = 443;
        return url + 8;
    }
    return NULL;
}

int url_check(const char *url, const char **why)
{
    uint16_t port = 0;
    const char *authority = NULL;
    const char *host = NULL;
    size_t authority_len = 0;

    if (strlen(url) > LIMIT_URL_BYTES) {
        *why = "it is too long";
        return -1;
    }
    for (const char *p = url; *p != '\0'; p++) {
        if ((unsigned char)*p <= ' ' || *p == 0x7f) {
            *why = "it contains a blank or a control character";
            return -1;
        }
    }
    authority = after_scheme(url, &port);
    if (!authority) {
        *why = "only http:// and https:// can be captured";
        return -1;
    }
    authority_len = strcspn(authority, "/\\?#");
    host = memrchr(authority, '@', authority_len);
    host = host ? host + 1 : authority;
    if (host == authority + authority_len || *host == ':') {
        *why = "it has no host";
        return -1;
    }
    return 0;
}

static int port_parse(const char *ptr, size_t len, uint16_t *port)
{
    unsigned value = 0;

    if (len == 0 || len > 5)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (ptr[i] < '0' || ptr[i] > '9')
            return -1;
        value = value * 10 + (unsigned)(ptr[i] - '0');
    }
    if (value == 0 || value > UINT16_MAX)
        return -1;
    *port = (uint16_t)value;
    return 0;
}

int authority_split(const char *ptr, size_t len, uint16_t fallback_port,
                    char host[HOST_SIZE], uint16_t *port)
{
    const char *end = ptr + len;
    const char *host_end = NULL;
    size_t host_len = 0;

    if (len > 0 && *ptr == '[') { /* an IPv6 address */
        ptr++;
        host_end = memchr(ptr, ']', (size_t)(end - ptr));
        if (!host_end)
            return -1;
        host_len = (size_t)(host_end - ptr);
        host_end++;
    } else {
        host_end = memchr(ptr, ':', len);
        if (!host_end)
            host_end = end;
        host_len = (size_t)(host_end - ptr);
    }
    if (host_len == 0 || host_len >= HOST_SIZE || memchr(ptr, 0, host_len))
        return -1;
    if (host_end == end && fallback_port > 0)
        *port = fallback_port;
    else if (host_end == end || *host_end != ':' ||
             port_parse(host_end + 1, (size_t)(end - host_end - 1), port) != 0)
        return -1;
    memcpy(host, ptr, host_len);
    host[host_len] = '\0';
    return 0;
}

int url_host(const char *url, char host[HOST_SIZE], uint16_t *port)
{
    uint16_t fallback_port = 0;
    const char *authority = after_scheme(url, &fallback_port);
    const char *at = NULL;
    size_t len = 0;

    if (!authority)
        return -1;
    len = strcspn(authority, "/?#");
    at = memrchr(authority, '@', len);
    if (at) {
        len -= (size_t)(at + 1 - authority);
        authority = at + 1;
    }
    return authority_split(authority, len, fallback_port, host, port);
}
