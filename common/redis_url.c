#include "common/redis_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/mem.h"

enum { DEFAULT_PORT = 6379, PORT_MAX = 65535, DB_MAX = 100000 };

/* Percent-decodes; passwords often hold '@', ':' and '/'. */
static char *decode(const char *ptr, size_t len)
{
    char *out = mem_alloc(len + 1);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t byte = 0;

        if (ptr[i] == '%' && i + 2 < len &&
            hex_decode(ptr + i + 1, 2, &byte, 1)) {
            out[n++] = (char)byte;
            i += 2;
        } else {
            out[n++] = ptr[i];
        }
    }
    out[n] = '\0';
    return out;
}

static int parse_int(const char *text, int max, int *out)
{
    char *end = NULL;
    long value = strtol(text, &end, 10);

    if (end == text || *end != '\0' || value < 0 || value > max)
        return -1;
    *out = (int)value;
    return 0;
}

static const char *parse_user(struct redis_url *out, const char *rest,
                              size_t authority_len)
{
    const char *at = memrchr(rest, '@', authority_len);
    const char *colon;

    if (!at)
        return rest;
    colon = memchr(rest, ':', (size_t)(at - rest));
    if (!colon)
        colon = at;
    if (colon > rest)
        out->user = decode(rest, (size_t)(colon - rest));
    if (colon < at)
        out->password = decode(colon + 1, (size_t)(at - colon - 1));
    return at + 1;
}

static const char *parse_tcp(struct redis_url *out, const char *rest)
{
    size_t len = strcspn(rest, "/?");
    const char *db = rest + len;
    const char *host = parse_user(out, rest, len);
    size_t host_len = (size_t)(db - host);
    const char *colon = memrchr(host, ':', host_len);
    const char *bracket = memrchr(host, ']', host_len);
    char *port = NULL;
    int rc = 0;

    if (colon && (!bracket || colon > bracket)) {
        port = mem_dup(colon + 1, (size_t)(db - colon - 1));
        rc = parse_int(port, PORT_MAX, &out->port);
        free(port);
        host_len = (size_t)(colon - host);
    }
    if (rc != 0 || out->port == 0)
        return "the port is not a number from 1 to 65535";
    if (host_len > 2 && host[0] == '[' && host[host_len - 1] == ']') {
        host++;
        host_len -= 2;
    }
    out->host = host_len ? mem_dup(host, host_len) : mem_strdup("127.0.0.1");
    if (db[0] == '/' && db[1] != '\0' &&
        parse_int(db + 1, DB_MAX, &out->db) != 0)
        return "the database behind the host is not a number";
    if (db[0] == '?')
        return "no options are known";
    return NULL;
}

static const char *parse_unix(struct redis_url *out, const char *rest)
{
    const char *query = strchr(rest, '?');
    size_t len = query ? (size_t)(query - rest) : strlen(rest);

    if (strncmp(rest, "//", 2) == 0) {
        rest += 2;
        len -= 2;
    }
    if (len == 0 || rest[0] != '/')
        return "the socket's path is not absolute";
    out->path = mem_dup(rest, len);
    if (query && (strncmp(query, "?db=", 4) != 0 ||
                  parse_int(query + 4, DB_MAX, &out->db) != 0))
        return "the only option is ?db=NUMBER";
    return NULL;
}

int redis_url_parse(struct redis_url *out, const char *url, char *error,
                    size_t error_size)
{
    const char *why = NULL;

    *out = (struct redis_url){ .port = DEFAULT_PORT };
    if (strncmp(url, "redis://", 8) == 0)
        why = parse_tcp(out, url + 8);
    else if (strncmp(url, "unix:", 5) == 0)
        why = parse_unix(out, url + 5);
    else
        why = "it begins neither with redis:// nor with unix:";
    if (!why)
        return 0;
    snprintf(error, error_size, "REDIS_URL is wrong: %s", why);
    redis_url_release(out);
    return -1;
}

void redis_url_release(struct redis_url *u)
{
    free(u->path);
    free(u->host);
    free(u->user);
    if (u->password)
        explicit_bzero(u->password, strlen(u->password));
    free(u->password);
    *u = (struct redis_url){ 0 };
}
