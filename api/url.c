#include "api/url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"

enum { HOST_MAX_BYTES = 253 };

/* Behind "//": as far as the path, the query or the fragment. */
static const char *authority_of(const char *url, size_t *len)
{
    static const char *const schemes[] = { "http://", "https://" };

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t n = strlen(schemes[i]);

        if (strncasecmp(url, schemes[i], n) == 0) {
            *len = strcspn(url + n, "/?#");
            return url + n;
        }
    }
    return NULL;
}

static bool port_is_valid(const char *text, size_t len)
{
    unsigned long port = 0;

    if (len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        port = port * 10 + (unsigned long)(text[i] - '0');
    }
    return len == 0 || (port >= 1 && port <= 65535); /* "host:" is legal */
}

static bool name_is_valid(const char *host, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)host[i];

        if (!isalnum(c) && c != '-' && c != '.' && c != '_' && c < 0x80)
            return false;
    }
    return len > 0 && len <= HOST_MAX_BYTES && host[0] != '.';
}

static bool literal_is_valid(const char *host, size_t len)
{
    return len >= 2 && strspn(host, "0123456789abcdefABCDEF:.") == len &&
           memchr(host, ':', len);
}

static const char *authority_complaint(const char *authority, size_t len)
{
    const char *end = authority + len;
    const char *host_end;
    bool valid;

    if (memchr(authority, '@', len))
        return "must not carry a user name or password; send them in "
               "`headers` instead";
    if (len > 0 && *authority == '[') {
        host_end = memchr(authority, ']', len);
        valid =
            host_end &&
            literal_is_valid(authority + 1, (size_t)(host_end - authority) - 1);
        if (!valid)
            return "has a broken IPv6 address; write it as "
                   "http://[2001:db8::1]/";
        host_end++;
    } else {
        host_end = memchr(authority, ':', len);
        host_end = host_end ? host_end : end;
        if (!name_is_valid(authority, (size_t)(host_end - authority)))
            return host_end == authority
                       ? "has no host; write it as https://example.com/"
                       : "has a host name that cannot be one; write it as "
                         "https://example.com/";
    }
    if (host_end < end &&
        (*host_end != ':' ||
         !port_is_valid(host_end + 1, (size_t)(end - host_end) - 1)))
        return "has a port that cannot be one; ports are 1 to 65535";
    return NULL;
}

const char *url_complaint(const char *url, size_t len)
{
    const char *authority;
    size_t authority_len;

    if (len == 0)
        return "is empty; give the address of a page, such as "
               "https://example.com/";
    if (len > LIMIT_URL_BYTES)
        return "is longer than 8192 bytes";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)url[i];

        if (c <= ' ' || c == 0x7f || c == '\\')
            return "must not contain blanks, control characters or "
                   "backslashes; percent-encode them";
    }
    authority = authority_of(url, &authority_len);
    if (!authority)
        return "must begin with http:// or https://";
    return authority_complaint(authority, authority_len);
}
