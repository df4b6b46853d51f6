#include "ingest/forwarded.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

static const char blanks[] = " \t";

/* addresses */

static bool is_port(const char *ptr, size_t len)
{
    unsigned value = 0;

    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (ptr[i] < '0' || ptr[i] > '9')
            return false;
        value = value * 10 + (unsigned)(ptr[i] - '0');
    }
    return value <= 65535;
}

/* A port may be hidden too (RFC 7239, section 6.3). */
static bool is_node_port(const char *ptr, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (len < 2 || *ptr != '_')
        return is_port(ptr, len);
    for (size_t i = 1; i < len; i++) {
        if (!memchr(letters, ptr[i], sizeof letters - 1))
            return false;
    }
    return true;
}

static bool parse_host(int family, const char *ptr, size_t len,
                       struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    char text[INET6_ADDRSTRLEN];

    if (len == 0 || len >= sizeof text || memchr(ptr, '\0', len))
        return false;
    memcpy(text, ptr, len);
    text[len] = '\0';
    *out = (struct sockaddr_storage){ 0 };
    if (inet_pton(family, text,
                  family == AF_INET ? (void *)&v4->sin_addr
                                    : (void *)&v6->sin6_addr) != 1)
        return false;
    out->ss_family = (sa_family_t)family;
    return true;
}

/* 192.0.2.1, 192.0.2.1:80, [2001:db8::1], [2001:db8::1]:80 */
static bool parse_node(const char *ptr, size_t len,
                       struct sockaddr_storage *out)
{
    const char *end = ptr + len;
    const char *host = ptr;
    const char *rest = NULL; /* behind the host: "" or ":80" */
    int family = AF_INET;
    size_t host_len = 0;

    if (len > 0 && *ptr == '[') {
        family = AF_INET6;
        host++;
        rest = memchr(ptr, ']', len);
        if (!rest)
            return false;
        host_len = (size_t)(rest++ - host);
    } else {
        rest = memchr(ptr, ':', len);
        rest = rest ? rest : end;
        host_len = (size_t)(rest - host);
    }
    if (rest < end &&
        (*rest != ':' || !is_node_port(rest + 1, (size_t)(end - rest) - 1)))
        return false;
    return parse_host(family, host, host_len, out);
}

/* X-Forwarded-For has no grammar; IPv6 usually stands without brackets. */
static bool parse_loose(const char *ptr, size_t len,
                        struct sockaddr_storage *out)
{
    return parse_node(ptr, len, out) || parse_host(AF_INET6, ptr, len, out);
}

static int add_hop(struct forwarded *f, const char *ptr, size_t len,
                   bool (*parse)(const char *, size_t,
                                 struct sockaddr_storage *))
{
    if (f->count == FORWARDED_HOPS_MAX)
        return -1;
    if (!parse(ptr, len, &f->hops[f->count]))
        f->hops[f->count] = (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
    f->count++;
    return 0;
}

/* X-Forwarded-For */

int forwarded_add_addresses(struct forwarded *f, const char *line)
{
    while (*line) {
        size_t len = strcspn(line, ",");
        const char *next = line + len + (line[len] == ',');
        size_t skip = strspn(line, blanks);

        skip = skip < len ? skip : len;
        line += skip;
        len -= skip;
        while (len > 0 && strchr(blanks, line[len - 1]))
            len--;
        if (len > 0 && add_hop(f, line, len, parse_loose) != 0)
            return -1;
        line = next;
    }
    return 0;
}

/* Forwarded */

static size_t token_length(const char *text)
{
    return strspn(text, "!#$%&'*+-.^_`|~0123456789"
                        "abcdefghijklmnopqrstuvwxyz"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* A quoted-string (RFC 9110, section 5.6.4) at `*at`, its content into `out`.
 * A content that does not fit is longer than any address: it is cut. */
static bool take_quoted(const char **at, char *out, size_t size)
{
    const char *c = *at + 1;
    size_t len = 0;

    for (; *c != '"'; c++) {
        if (*c == '\\')
            c++;
        if (*c != '\t' && ((unsigned char)*c < 0x20 || *c == 0x7F))
            return false; /* the end, too */
        if (len + 1 < size)
            out[len++] = *c;
    }
    out[len] = '\0';
    *at = c + 1;
    return true;
}

static bool take_value(const char **at, char *out, size_t size)
{
    size_t len = token_length(*at);
    size_t kept = len < size - 1 ? len : size - 1;

    if (**at == '"')
        return take_quoted(at, out, size);
    if (len == 0)
        return false;
    memcpy(out, *at, kept);
    out[kept] = '\0';
    *at += len;
    return true;
}

/* forwarded-pair = token "=" value */
static bool take_pair(const char **at, bool *is_for, char *value, size_t size)
{
    size_t len = token_length(*at);

    *is_for = len == 3 && strncasecmp(*at, "for", 3) == 0;
    if (len == 0 || (*at)[len] != '=')
        return false;
    *at += len + 1;
    return take_value(at, value, size);
}

/* forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] ); a hop
 * without a "for" is one without an address. */
static int add_element(struct forwarded *f, const char **at)
{
    char value[80], node[80] = "";
    bool is_for = false;
    bool seen = false;

    for (;;) {
        if (**at && !strchr(";, \t", **at)) {
            if (!take_pair(at, &is_for, value, sizeof value) ||
                (is_for && seen))
                return -1;
            if (is_for) {
                seen = true;
                memcpy(node, value, sizeof node);
            }
        }
        if (**at != ';')
            break;
        (*at)++;
    }
    return add_hop(f, node, strlen(node), parse_node);
}

int forwarded_add_elements(struct forwarded *f, const char *line)
{
    for (;;) {
        line += strspn(line, blanks);
        if (*line && *line != ',' && add_element(f, &line) != 0)
            return -1;
        line += strspn(line, blanks);
        if (*line == '\0')
            return 0;
        if (*line++ != ',')
            return -1;
    }
}
