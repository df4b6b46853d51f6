/* profile.h - a provider described as data (providers/NAME.json).
 *
 * Loaded and checked at start; errors name file, path and remedy.  The format
 * is in docs/providers.md.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include "common/base.h"
#include "common/payload.h"
#include "common/signature.h"

struct json_object;

enum webhook_auth { WEBHOOK_HMAC, WEBHOOK_STATIC_HEADER, WEBHOOK_URL_TOKEN };

enum webhook_answer {
    WEBHOOK_ANSWER_RECEIPT, /* {"receipt":…,"sha256":…} */
    WEBHOOK_ANSWER_OK,      /* OK, as plain text */
};

/* How the fields of a submission are sent. */
enum submit_form { SUBMIT_JSON, SUBMIT_FORM, SUBMIT_QUERY, SUBMIT_MULTIPART };

/* What becomes of a job's option `name`. */
struct submit_option {
    const char *name;
    const char *field;          /* what the provider calls it; dots nest */
    double scale;               /* numbers are multiplied by it */
    const char *join;           /* lists become one text; or NULL */
    const char *suffix;         /* numbers become texts that end so; or NULL */
    struct json_object *values; /* from text to value; or NULL */
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
        const char *auth_header; /* NULL: none */
        const char *auth_value;  /* with {key} */
        const char *key_field;   /* of the key, in place of the header */
        enum submit_form form;
        const char *url_field;     /* body path of the page's URL; dots nest */
        const char *webhook_field; /* body path of the webhook URL; or NULL */
        const char **webhook_headers; /* owned: have the webhook URL, too */
        size_t webhook_header_count;
        struct submit_option *options; /* owned */
        size_t option_count;
        bool only_options;              /* others are not sent */
        struct json_object *constants;  /* merged into every body; or NULL */
        unsigned accepted[9];           /* status codes, ended by 0; else 2xx */
        const char *idempotency_header; /* or NULL */
    } submit;

    struct {
        struct places job_id; /* may be empty: the provider gives none */
    } answer;

    struct { /* who gets the key besides, when a picture is fetched */
        bool not_at_home;     /* not even the provider's own address */
        const char **origins; /* owned: https://host[:port] */
        size_t origin_count;
    } picture;

    struct {
        enum webhook_auth auth;
        const char *signature_header; /* WEBHOOK_HMAC */
        const char *timestamp_header; /* NULL: elsewhere, or none */
        const char *timestamp_path;   /* in the body; likewise */
        struct places id;             /* of the delivery; may be empty */
        const char *static_header;    /* WEBHOOK_STATIC_HEADER */
        struct signature_scheme scheme;
        bool decode_whsec;
        bool require_token; /* always with WEBHOOK_URL_TOKEN */
        bool adopt;         /* makes jobs of captures that we did not submit */
        enum webhook_answer answer;
        struct places redact; /* in the body: never stored */
        struct payload_map payload;
    } webhook;

    struct {
        const char *path; /* with {id}; NULL: the provider has no status API */
        struct payload_map payload;
    } status;

    struct {                     /* what the provider bears */
        double status_per_s;     /* questions in a second, of the whole fleet */
        unsigned status_at_once; /* of one poller */
        double submit_per_s;     /* captures in a second, of one worker with
                                    all its processes; 0: any number */
        unsigned submit_at_once; /* likewise */
    } limits;

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

/* Is the webhook URL set up at the provider, rather than told it with each
 * capture?  Then webhooks name the provider's job id alone. */
bool profile_webhook_is_fixed(const struct profile *p);

#endif
