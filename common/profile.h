/* profile.h - a provider described as data (providers/NAME.json).
 *
 * Loaded and checked at start; errors name file, path and remedy.  The format
 * is in docs/providers.md.  Payload extraction is pure and fuzzed.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include "common/base.h"
#include "common/signature.h"

struct json_object;

enum event_kind {
    EVENT_COMPLETED,
    EVENT_FAILED,
    EVENT_PROGRESS,
    EVENT_IGNORED, /* authentic, of a kind that means nothing to us */
    EVENT_UNCLEAR, /* says neither success nor failure: malformed */
};

enum webhook_auth { WEBHOOK_HMAC, WEBHOOK_STATIC_HEADER, WEBHOOK_URL_TOKEN };

/* Ordered alternatives: the first that is there wins.  So far all stand in a
 * JSON body; a stream entry and an http_answer carry no headers. */
enum place_kind { PLACE_BODY };
struct place {
    enum place_kind kind;
    const char *path; /* JSON path */
};
struct places {
    struct place *items;
    size_t count;
};

struct event_word { /* case-insensitive */
    const char *word;
    enum event_kind kind;
};

/* Where things stand in a webhook body or a status answer. */
struct payload_map {
    struct places event, job_id, status, success, image, error, error_code;
    struct places width, height, size, progress;
    struct event_word *words; /* values of event and status */
    size_t word_count;
};

/* All texts are borrowed from `document`, if not said otherwise. */
struct profile {
    struct json_object *document; /* owned: the file as parsed */
    const char *name;
    char *file; /* owned: path, for messages */

    struct {
        const char *base_url; /* no trailing slash; NULL: the profile only
                                 describes webhooks, nothing can be submitted */
        const char *method;
        const char *path;
        const char *auth_header;   /* NULL: none */
        const char *auth_value;    /* with {key} */
        const char *url_field;     /* body path of the page's URL; dots nest */
        const char *webhook_field; /* body path of the webhook URL */
        struct json_object *constants; /* merged into every body; or NULL */
    } submit;

    struct {
        struct places job_id; /* may be empty: the provider gives none */
    } answer;

    struct {
        enum webhook_auth auth;
        const char *signature_header; /* WEBHOOK_HMAC */
        const char *timestamp_header; /* NULL: in the signature, or none */
        const char *id_header;        /* NULL: none */
        const char *static_header;    /* WEBHOOK_STATIC_HEADER */
        struct signature_scheme scheme;
        bool decode_whsec;
        bool require_token; /* always with WEBHOOK_URL_TOKEN */
        struct payload_map payload;
    } webhook;

    struct {
        const char *path; /* with {id}; NULL: the provider has no status API */
        struct payload_map payload;
    } status;

    struct { /* by error code; else by HTTP class */
        const char **retryable;
        size_t retryable_count;
        const char **permanent;
        size_t permanent_count;
    } errors;
};

struct profiles {
    struct profile *items; /* by name */
    size_t count;
};

/* Loads every *.json of the folder.  On -1 `error` holds one line. */
MUST_USE int profiles_load(struct profiles *out, const char *dir, char *error,
                           size_t error_size);
void profiles_release(struct profiles *p);
/* NULL when there is none of that name. */
const struct profile *profiles_find(const struct profiles *p, const char *name);

/* One profile from JSON text; `file` is for messages.  On -1 `out` is empty. */
MUST_USE int profile_parse(struct profile *out, const char *file,
                           const char *ptr, size_t len, char *error,
                           size_t error_size);
void profile_release(struct profile *p);

/* May a capture that failed so be tried again?  `code` may be NULL,
 * `http_status` 0 when there was none.  The profile's lists decide; else the
 * HTTP class (408, 429 and 5xx may); else a failure without any code may. */
bool profile_retryable(const struct profile *p, const char *code,
                       unsigned http_status);

/* What a webhook or a status answer says.  Texts are owned, NULL when absent;
 * what is too long counts as absent, but for `error` and `word`, which are cut.
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
const char *event_kind_name(enum event_kind k); /* "completed" … */

#endif
