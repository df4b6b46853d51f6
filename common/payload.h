/* payload.h - what a webhook or a status answer says, by a profile's map.
 *
 * Pure and fuzzed.  Bytes from outside go in; what comes out is of the right
 * type and within limits.  The places are described in docs/providers.md.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include "common/base.h"

struct json_object;

enum event_kind {
    EVENT_COMPLETED,
    EVENT_FAILED,
    EVENT_PROGRESS,
    EVENT_IGNORED, /* authentic, of a kind that means nothing to us */
    EVENT_UNCLEAR, /* says neither success nor failure: malformed */
};

/* Ordered alternatives: the first that is there wins. */
enum place_kind {
    PLACE_BODY,
    PLACE_HEADER, /* of a webhook, when it stands there once; likewise */
    PLACE_QUERY,
};
struct place {
    enum place_kind kind;
    const char *path; /* JSON path; name of the header or parameter */
    const char *text; /* as in the profile: "header:X-Id" */
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
    struct places event, job_id, own_job_id, page_url, status, success;
    struct places image, image_base64, error, error_code;
    struct places width, height, size, progress;
    bool image_in_body;       /* unless the body is JSON, it is the picture */
    struct places outside;    /* all of these that are not in the body */
    struct event_word *words; /* values of event and status */
    size_t word_count;
};

/* What there is to read.  All borrowed. */
struct event_source {
    const char *body;
    size_t body_len;
    const char *type; /* content type; NULL: not said */
    const char *head; /* values from outside the body, as webhook_head() has
                         made them; or NULL */
};

/* What a webhook or a status answer says.  Texts are owned, NULL when absent;
 * what is too long counts as absent, but for `error` and `word`, which are cut.
 */
struct event {
    enum event_kind kind;
    char *word; /* the event or status as the provider wrote it */
    char *provider_job;
    char *own_job;       /* our own id, as a UUID */
    char *page_url;      /* what was captured */
    char *image_url;     /* absolute, or relative to the provider's base URL */
    const char *picture; /* the picture itself, or NULL: within the body that
                            was parsed, or in `decoded` */
    size_t picture_len;
    uint8_t *decoded; /* from base64 */
    char *error;
    char *error_code;
    int64_t width, height, size_bytes; /* -1: not said */
    int64_t progress;                  /* percent 0..100, -1: not said */
};

/* Reads `source` by `map`.  -1 when the body is not JSON or no object (nor, if
 * the map says so, a picture); `error` says why.  `out` needs event_release()
 * in either case, before the body goes away. */
MUST_USE int event_parse(struct event *out, const struct payload_map *map,
                         const struct event_source *source, char *error,
                         size_t error_size);
void event_release(struct event *e);

/* Is the body of this content type read as JSON, or is it the picture? */
bool payload_is_picture(const struct payload_map *map, const char *type);
const char *event_kind_name(enum event_kind k); /* "completed" … */

#endif
