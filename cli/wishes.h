/* wishes.h - the captures that one `shotfleet submit` asks for.
 *
 * Each wish is the body of a submission, from the command line or from a line
 * of a file, and what has become of it so far.
 */
#ifndef CLI_WISHES_H
#define CLI_WISHES_H

#include <stdio.h>

#include "common/base.h"

struct json_object;

struct wish {
    struct json_object *body;     /* url and options */
    struct json_object *document; /* the last one heard of; NULL: none */
    char *id;                     /* NULL: not accepted (yet) */
    bool ended;
};

struct wishes {
    struct wish *items;
    size_t count, cap;
    struct wish **by_id; /* sorted; made by wishes_index() */
    size_t by_id_count;
};

void wishes_init(struct wishes *w);
void wishes_release(struct wishes *w);

/* `options` stay the caller's and are copied. */
void wishes_add(struct wishes *w, const char *url, struct json_object *options);
/* A wish a line: a URL, or a JSON object with `url` and options, which go
 * before the others'.  Empty lines and those that begin with # are passed over.
 * -1 with a complaint that names file and line; nothing counts then. */
MUST_USE int wishes_read(struct wishes *w, FILE *f, const char *name,
                         struct json_object *options);

const char *wish_url(const struct wish *w);

/* After the last id was set. */
void wishes_index(struct wishes *w);
/* NULL when nobody asked for it. */
struct wish *wishes_find(const struct wishes *w, const char *id);

#endif
