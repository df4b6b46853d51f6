/* profile_fields.h - reading a JSON object field by field, strictly.
 *
 * For files that people write: a key that nobody reads is an error, so is a
 * wrong type, and each names the file and the path.  The first error stays;
 * after it, every read gives the fallback, so that a reader is written without
 * a check on each line and looks at fields_failed() at the end.
 */
#ifndef PROFILE_FIELDS_H
#define PROFILE_FIELDS_H

#include "common/base.h"

struct json_object;

struct fields_report {
    const char *file;
    char *error;
    size_t error_size;
    bool failed;
};

struct fields {
    struct json_object *object; /* NULL: absent, or wrong */
    char path[128];             /* "webhook.auth", "" for the root */
    struct fields_report *report;
};

/* The document itself; `report` is shared by all that is opened from it. */
void fields_root(struct fields *f, struct json_object *document,
                 struct fields_report *report);
/* The object `name` in `parent`; false when it is absent (no error) or wrong.
 */
bool fields_open(struct fields *f, const struct fields *parent,
                 const char *name);

/* Reports `name` as missing unless it is there. */
void fields_need(const struct fields *f, const char *name);
/* Reports the first key that is not among `keys`, a NULL-ended list. */
void fields_only(const struct fields *f, const char *const *keys);
PRINTF_LIKE(3, 4)
void fields_fail(const struct fields *f, const char *name, const char *fmt,
                 ...);

bool fields_has(const struct fields *f, const char *name);
/* Never empty; NULL when absent. */
const char *fields_text(const struct fields *f, const char *name);
const char *fields_need_text(const struct fields *f, const char *name);
bool fields_bool(const struct fields *f, const char *name, bool fallback);
/* Reported unless from min to max. */
double fields_number(const struct fields *f, const char *name, double min,
                     double max, double fallback);
/* The index of the text in `words`, a NULL-ended list. */
int fields_choice(const struct fields *f, const char *name,
                  const char *const *words, int fallback);
/* One text or a list of texts.  The texts are borrowed from the document, the
 * list is the caller's to free(); NULL when absent. */
const char **fields_texts(const struct fields *f, const char *name,
                          size_t *count);

/* kinds of text, reported when they are not of the kind */
/* A token (RFC 9110, section 5.6.2). */
const char *fields_header_name(const struct fields *f, const char *name);
/* One or a list of them; see fields_texts(). */
const char **fields_header_names(const struct fields *f, const char *name,
                                 size_t *count);
/* "data.metadata.width", without an empty step; needed. */
const char *fields_json_path(const struct fields *f, const char *name);
/* "https://host:port", or http; without a path, a user or a query. */
bool fields_is_origin(const char *text);
/* What is put behind a base URL: absolute, no blanks, no fragment; needed. */
const char *fields_url_path(const struct fields *f, const char *name);
bool fields_is_header_name(const char *text);
bool fields_is_json_path(const char *text);
bool fields_is_query_name(const char *text); /* as it is once decoded */
bool fields_is_made_of(const char *text, const char *letters);
bool fields_has_control(const char *text);

#endif
