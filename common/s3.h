/* s3.h - a place in an S3-compatible storage, and links into it.
 *
 * Addresses are path style (https://host/bucket/key), which every such server
 * understands.  Requests of our own are signed by http_client.h; what is signed
 * here are links that others may follow for a while (AWS Signature Version 4,
 * "authenticating requests: using query parameters").  Pure.
 */
#ifndef S3_H
#define S3_H

#include "common/base.h"

/* The usual AWS_* settings; part of a program's own. */
struct s3_settings {
    char *endpoint;    /* AWS_ENDPOINT_URL */
    char *endpoint_s3; /* AWS_ENDPOINT_URL_S3: goes before */
    char *region;
    char *key_id;
    char *secret;
    char *session_token;
};

/* For a table of settings (settings.h): USE is the table's own macro, `field`
 * the struct s3_settings in the program's struct. */
#define S3_SETTINGS(USE, field)                                                \
    USE("AWS_ENDPOINT_URL", field.endpoint),                                   \
        USE("AWS_ENDPOINT_URL_S3", field.endpoint_s3),                         \
        USE("AWS_REGION", field.region),                                       \
        USE("AWS_ACCESS_KEY_ID", field.key_id),                                \
        USE("AWS_SECRET_ACCESS_KEY", field.secret),                            \
        USE("AWS_SESSION_TOKEN", field.session_token)

struct s3 {
    char *scheme;                       /* "https" */
    char *host;                         /* as in the Host header */
    char *path;                         /* "/bucket/prefix/" */
    const struct s3_settings *settings; /* borrowed */
};

bool s3_is_url(const char *url); /* s3://… */
/* `url`: s3://bucket or s3://bucket/prefix.  On -1 `error` names the setting;
 * release in either case. */
MUST_USE int s3_init(struct s3 *out, const char *url,
                     const struct s3_settings *settings, char *error,
                     size_t error_size);
void s3_release(struct s3 *s);

/* The address of an object.  `key` needs no escaping (letters, digits, "-._/").
 * The caller frees it. */
char *s3_object_url(const struct s3 *s, const char *key);

/* A link to it that is good for `seconds` from `now_s` on; what it is served as
 * stands in it.  The caller frees it. */
struct s3_link {
    const char *key;
    const char *content_type;
    const char *disposition; /* Content-Disposition */
    int64_t now_s;           /* Unix time */
    int64_t seconds;         /* at most a week */
};
char *s3_link(const struct s3 *s, const struct s3_link *link);

#endif
