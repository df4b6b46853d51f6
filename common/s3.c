#include "common/s3.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/digest.h"
#include "common/encoding.h"
#include "common/mem.h"

static const char scheme[] = "s3://";
static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

bool s3_is_url(const char *url)
{
    return strncmp(url, scheme, sizeof scheme - 1) == 0;
}

/* The endpoint as scheme and host, without a default port: that is how clients
 * write the Host header. */
static int split_endpoint(struct s3 *out, const char *endpoint)
{
    const char *host = strstr(endpoint, "://");
    size_t scheme_len = host ? (size_t)(host - endpoint) : 0;
    bool https = scheme_len == 5 && strncmp(endpoint, "https", 5) == 0;
    const char *port = https ? ":443" : ":80";
    size_t len;

    if (!https && !(scheme_len == 4 && strncmp(endpoint, "http", 4) == 0))
        return -1;
    host += 3;
    len = strlen(host);
    if (len > 0 && host[len - 1] == '/')
        len--;
    if (len > strlen(port) &&
        strncmp(host + len - strlen(port), port, strlen(port)) == 0)
        len -= strlen(port);
    if (len == 0 || strcspn(host, "/?#@ ") < len)
        return -1;
    out->scheme = mem_dup(endpoint, scheme_len);
    out->host = mem_dup(host, len);
    return 0;
}

/* "/bucket/prefix/" from what stands behind s3://. */
static int make_path(struct s3 *out, const char *place)
{
    size_t bucket = strspn(place, plain);
    size_t len = strlen(place);

    while (len > 0 && place[len - 1] == '/')
        len--;
    if (bucket < 3 || len < bucket || strstr(place, "//") ||
        strstr(place, "/.") || (place[bucket] != '\0' && place[bucket] != '/'))
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (place[i] != '/' && !strchr(plain, place[i]))
            return -1;
    }
    out->path = mem_format("/%.*s/", (int)len, place);
    return 0;
}

int s3_init(struct s3 *out, const char *url, const struct s3_settings *settings,
            char *error, size_t error_size)
{
    const char *endpoint =
        *settings->endpoint_s3 ? settings->endpoint_s3 : settings->endpoint;
    char *usual = mem_format("https://s3.%s.amazonaws.com", settings->region);
    int rc = -1;

    *out = (struct s3){ .settings = settings };
    if (!s3_is_url(url) || make_path(out, url + sizeof scheme - 1) != 0)
        snprintf(error, error_size,
                 "SHOTFLEET_STORAGE=\"%.200s\" is not s3://bucket/prefix of "
                 "letters, digits, '-', '.' and '_'",
                 url);
    else if (split_endpoint(out, *endpoint ? endpoint : usual) != 0)
        snprintf(error, error_size,
                 "AWS_ENDPOINT_URL=\"%.200s\" is not http(s)://host:port",
                 endpoint);
    else if (!*settings->key_id || !*settings->secret)
        snprintf(error, error_size,
                 "SHOTFLEET_STORAGE=\"%.200s\" needs AWS_ACCESS_KEY_ID and "
                 "AWS_SECRET_ACCESS_KEY",
                 url);
    else
        rc = 0;
    free(usual);
    return rc;
}

void s3_release(struct s3 *s)
{
    free(s->scheme);
    free(s->host);
    free(s->path);
}

char *s3_object_url(const struct s3 *s, const char *key)
{
    return mem_format("%s://%s%s%s", s->scheme, s->host, s->path, key);
}

/* --- links */

/* "name=value" with what was there before it; both are freed. */
static char *add(char *query, const char *name, const char *value)
{
    char *encoded = percent_encode(value);
    char *longer =
        mem_format("%s%s%s=%s", query, *query ? "&" : "", name, encoded);

    free(query);
    free(encoded);
    return longer;
}

/* The parameters that are signed, in the order of their names. */
static char *make_query(const struct s3 *s, const struct s3_link *link,
                        const char *scope, const char *at)
{
    const struct s3_settings *settings = s->settings;
    char *credential = mem_format("%s/%s", settings->key_id, scope);
    char seconds[24];
    char *q = mem_strdup("");

    snprintf(seconds, sizeof seconds, "%" PRId64, link->seconds);
    q = add(q, "X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    q = add(q, "X-Amz-Credential", credential);
    q = add(q, "X-Amz-Date", at);
    q = add(q, "X-Amz-Expires", seconds);
    if (*settings->session_token)
        q = add(q, "X-Amz-Security-Token", settings->session_token);
    q = add(q, "X-Amz-SignedHeaders", "host");
    if (link->disposition)
        q = add(q, "response-content-disposition", link->disposition);
    if (link->content_type)
        q = add(q, "response-content-type", link->content_type);
    free(credential);
    return q;
}

/* One step of deriving the key: `key` becomes HMAC(key, text). */
static void step(uint8_t key[DIGEST_MAX], size_t len, const char *text)
{
    const struct secret secret = { .ptr = (const char *)key, .len = len };
    const struct piece piece = { text, strlen(text) };
    uint8_t out[DIGEST_MAX];

    hmac_digest(SIGNATURE_SHA256, &secret, &piece, 1, out);
    memcpy(key, out, SHA256_SIZE);
}

static void sign(const struct s3_settings *settings, const char *date,
                 const char *text, char hex[SHA256_HEX_SIZE])
{
    char *first = mem_format("AWS4%s", settings->secret);
    const struct secret secret = { .ptr = first, .len = strlen(first) };
    const struct piece piece = { date, strlen(date) };
    uint8_t key[DIGEST_MAX];

    hmac_digest(SIGNATURE_SHA256, &secret, &piece, 1, key);
    step(key, SHA256_SIZE, settings->region);
    step(key, SHA256_SIZE, "s3");
    step(key, SHA256_SIZE, "aws4_request");
    step(key, SHA256_SIZE, text);
    hex_encode(key, SHA256_SIZE, hex);
    explicit_bzero(first, strlen(first));
    free(first);
}

char *s3_link(const struct s3 *s, const struct s3_link *link)
{
    time_t now = (time_t)link->now_s;
    char at[sizeof "20260131T120000Z"];
    char date[sizeof "20260131"];
    char hash[SHA256_HEX_SIZE], signature[SHA256_HEX_SIZE];
    char *scope, *query, *request, *text, *url;
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(at, sizeof at, "%Y%m%dT%H%M%SZ", &utc);
    strftime(date, sizeof date, "%Y%m%d", &utc);
    scope = mem_format("%s/%s/s3/aws4_request", date, s->settings->region);
    query = make_query(s, link, scope, at);
    request = mem_format("GET\n%s%s\n%s\nhost:%s\n\nhost\nUNSIGNED-PAYLOAD",
                         s->path, link->key, query, s->host);
    sha256_hex(request, strlen(request), hash);
    text = mem_format("AWS4-HMAC-SHA256\n%s\n%s\n%s", at, scope, hash);
    sign(s->settings, date, text, signature);
    url = mem_format("%s://%s%s%s?%s&X-Amz-Signature=%s", s->scheme, s->host,
                     s->path, link->key, query, signature);
    free(scope);
    free(query);
    free(request);
    free(text);
    return url;
}
