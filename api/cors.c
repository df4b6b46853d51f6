#include "api/cors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/url.h"
#include "common/mem.h"

const char cors_exposed[] =
    "Content-Disposition, Content-Range, ETag, Idempotency-Replayed, Location, "
    "RateLimit, RateLimit-Policy, Retry-After";
const char cors_allowed_headers[] =
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, If-Range, "
    "Last-Event-ID, Range, X-API-Key";

/* scheme://host[:port] and nothing behind it (RFC 6454, 6.2). */
static bool is_origin(const char *text)
{
    const char *authority = strstr(text, "://");

    return !url_complaint(text, strlen(text)) && authority &&
           authority[3 + strcspn(authority + 3, "/?#")] == '\0';
}

static int add(struct cors *c, const char *item, char *error, size_t error_size)
{
    if (strcmp(item, "*") == 0) {
        c->any = true;
        return 0;
    }
    if (!is_origin(item)) {
        snprintf(error, error_size,
                 "SHOTFLEET_CORS_ORIGINS: \"%.100s\" is no origin; write it as "
                 "https://app.example, without a path",
                 item);
        return -1;
    }
    c->origins = mem_resize_array(c->origins, c->count + 1, sizeof *c->origins);
    c->origins[c->count++] = mem_strdup(item);
    return 0;
}

int cors_init(struct cors *c, const char *origins, char *error,
              size_t error_size)
{
    char *text = mem_strdup(origins);
    char *rest = text;
    char *item;
    int rc = 0;

    *c = (struct cors){ 0 };
    while (rc == 0 && (item = strsep(&rest, ","))) {
        size_t len;

        item += strspn(item, " \t");
        for (len = strlen(item); len > 0 && strchr(" \t", item[len - 1]); len--)
            item[len - 1] = '\0';
        if (*item)
            rc = add(c, item, error, error_size);
    }
    free(text);
    return rc;
}

void cors_release(struct cors *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->origins[i]);
    free(c->origins);
    *c = (struct cors){ 0 };
}

bool cors_is_on(const struct cors *c)
{
    return c->any || c->count > 0;
}

const char *cors_answer(const struct cors *c, const char *origin)
{
    if (!origin)
        return NULL;
    for (size_t i = 0; i < c->count; i++) {
        if (strcasecmp(c->origins[i], origin) == 0)
            return origin;
    }
    return c->any ? "*" : NULL;
}
