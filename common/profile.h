/* profile.h - a provider described as data (providers/NAME.json).
 *
 * Loaded and checked at start; errors name file, path and remedy.  The format
 * is in docs/providers.md.  Payload extraction is pure and fuzzed.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include "common/base.h"
#include "common/signature.h"

enum event_kind {
    EVENT_COMPLETED,
    EVENT_FAILED,
    EVENT_PROGRESS,
    EVENT_IGNORED, /* authentic, of a kind that means nothing to us */
    EVENT_UNCLEAR, /* says neither success nor failure: malformed */
};

enum webhook_auth { WEBHOOK_HMAC, WEBHOOK_STATIC_HEADER, WEBHOOK_URL_TOKEN };

/* Ordered alternatives: the first that is there wins. */
enum place_kind { PLACE_BODY, PLACE_HEADER, PLACE_QUERY };
struct place {
    enum place_kind kind;
    char *path; /* JSON path, header name, query name */
};
struct places {
    struct place *items;
    size_t count;
};

struct event_word { /* case-insensitive */
    char *word;
    enum event_kind kind;
};

/* Where things stand in a webhook body or a status answer. */
struct payload_map {
    struct places event, job_id, status, success, image, error, error_code;
    struct places width, height, size, progress;
    struct event_word *words; /* values of event and status */
    size_t word_count;
};

struct profile {
    char *name;
    char *file; /* path, for messages */

    struct {
        char *base_url; /* no trailing slash */
        char *method;
        char *path;
        char *auth_header;   /* NULL: none */
        char *auth_value;    /* with {key} */
        char *url_field;     /* body path of the page's URL; dots nest */
        char *webhook_field; /* body path of the webhook URL */
        struct json_object *constants; /* merged into every body; or NULL */
        int64_t concurrency; /* at once per worker process; 0: no limit */
    } submit;

    struct {
        struct places job_id; /* PLACE_BODY or PLACE_HEADER */
    } answer;

    struct {
        enum webhook_auth auth;
        char *signature_header;
        char *timestamp_header; /* NULL: in the signature, or none */
        char *id_header;        /* NULL: none */
        char *static_header;    /* WEBHOOK_STATIC_HEADER */
        struct signature_scheme scheme;
        bool decode_whsec;
        bool require_token;
        struct payload_map payload;
    } webhook;

    struct {
        char *path; /* with {id}; NULL: the provider has no status API */
        struct payload_map payload;
    } status;

    struct { /* by error code; else by HTTP class */
        char **retryable;
        size_t retryable_count;
        char **permanent;
        size_t permanent_count;
    } errors;
};

struct profiles {
    struct profile *items;
    size_t count;
};

/* Loads every *.json of the folder.  On -1 `error` holds one line. */
MUST_USE int profiles_load(struct profiles *out, const char *dir, char *error,
                           size_t error_size);
void profiles_release(struct profiles *p);
const struct profile *profiles_find(const struct profiles *p, const char *name);

/* One profile from JSON text; `file` is for messages. */
MUST_USE int profile_parse(struct profile *out, const char *file,
                           const char *ptr, size_t len, char *error,
                           size_t error_size);
void profile_release(struct profile *p);

/* What a webhook or a status answer says.  Texts are owned; NULL when absent.
 */
struct event {
    enum event_kind kind;
    char *word; /* the event or status as the provider wrote it */
    char *provider_job;
    char *image_url; /* absolute, or relative to the provider's base URL */
    char *error;
    char *error_code;
    int64_t width, height, size_bytes; /* -1: not said */
    int64_t progress;                  /* percent 0..100, -1: not said */
};

/* Reads `body` (JSON) by `map`.  -1 when it is not JSON or no object. `error`
 * says why; `out` needs event_release() in either case. */
MUST_USE int event_parse(struct event *out, const struct payload_map *map,
                         const char *body, size_t body_len, char *error,
                         size_t error_size);
void event_release(struct event *e);
const char *event_kind_name(enum event_kind k);

/* May a capture that failed so be tried again?  `code` may be NULL,
 * `http_status` 0 when there was none. */
bool profile_retryable(const struct profile *p, const char *code,
                       unsigned http_status);

#endif
