/* json.h - strict JSON (RFC 8259) on json-c.
 *
 * Parsing is where outside bytes come in: depth limit, valid UTF-8, nothing
 * behind the value, no NaN or Infinity, no comments.  Of a name that an object
 * has twice, the last one counts.  Values are json-c's own; reading goes
 * through the helpers here, writing through <json-c/json.h>.
 */
#ifndef JSON_H
#define JSON_H

#include "common/base.h"

struct json_object;

/* Owned by the caller (json_object_put()); NULL with the reason and the place
 * in `error` ("digit expected at byte 12, line 1").  Arrays and objects may
 * stand LIMIT_JSON_DEPTH deep; how long the text may be is the caller's to
 * limit.  A lone null is refused, as json-c has no value for it. */
struct json_object *json_parse(const char *ptr, size_t len, char *error,
                               size_t error_size);
/* Reads and parses a file of at most 1 MiB; `error` names it. */
struct json_object *json_read_file(const char *path, char *error,
                                   size_t error_size);

/* The value at a dotted path ("data.metadata.width", "list.0.url"), "" being
 * the root; NULL when absent or JSON null.  Borrowed from `root`, which may be
 * NULL. */
struct json_object *json_at(struct json_object *root, const char *path);

/* Of the right type, or the fallback.  Text is borrowed from `root`; a text
 * with a NUL byte inside counts as absent. */
const char *json_text(struct json_object *root, const char *path);
/* Fractions are cut; what an int64_t cannot hold counts as absent. */
int64_t json_number(struct json_object *root, const char *path,
                    int64_t fallback);
/* 1, 0, or -1 when absent or no boolean. */
int json_boolean(struct json_object *root, const char *path);

#endif
