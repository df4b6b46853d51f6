/* redis_url.h - where a Redis is: redis://[[user]:password@]host[:port][/db],
 * or unix:/path[?db=N].  Pure. */
#ifndef REDIS_URL_H
#define REDIS_URL_H

#include "common/base.h"

struct redis_url {
    char *path; /* Unix socket; NULL for TCP */
    char *host;
    int port;
    char *user;     /* NULL: default user */
    char *password; /* NULL: none */
    int db;
};

/* On -1 `error` says what is wrong, without the password. */
MUST_USE int redis_url_parse(struct redis_url *out, const char *url,
                             char *error, size_t error_size);
void redis_url_release(struct redis_url *u);

#endif
